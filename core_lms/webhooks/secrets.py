"""Secrets of webhooks: made here, sealed by the master keyset, and what they sign."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from standardwebhooks.webhooks import Webhook

from stack.keyset import master

PREFIX = "whsec_"


def new() -> bytes:
    return os.urandom(32)


def shown(secret: bytes) -> str:
    """As libraries of Standard Webhooks take it."""
    return PREFIX + base64.b64encode(secret).decode()


def sealed(secret: bytes, webhook_id: object) -> bytes:
    """Opens for this webhook only: a row's secret copied to another is worth nothing."""
    return master().encrypt(secret, f"webhook/{webhook_id}".encode())


def valid(row: Mapping[str, Any], now: datetime) -> list[bytes]:
    """The secrets that sign now: the newest first, the one before while it is being rotated."""
    columns = ["secret_sealed"]
    if row["previous_sealed"] is not None and now < row["previous_until"]:
        columns.append("previous_sealed")
    name = f"webhook/{row['webhook_id']}".encode()
    return [master().decrypt(bytes(row[column]), name) for column in columns]


def headers(secrets: list[bytes], message_id: str, message: str, now: datetime) -> dict[str, str]:
    """The three headers of Standard Webhooks; one signature per secret."""
    signatures = [Webhook(secret).sign(message_id, now, message) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
