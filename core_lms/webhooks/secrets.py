"""Secrets of webhooks: made here, sealed by the master keyset, and what they sign."""

from __future__ import annotations

import base64
import os
from datetime import datetime

from standardwebhooks.webhooks import Webhook

from core_lms.webhooks.repository import Leased
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


def valid(row: Leased, now: datetime) -> list[bytes]:
    """The secrets that sign now: the newest first, the one before while it is being rotated."""
    sealed = [row.secret_sealed]
    if row.previous_sealed and row.previous_until and now < row.previous_until:
        sealed.append(row.previous_sealed)
    name = f"webhook/{row.webhook_id}".encode()
    return [master().decrypt(bytes(one), name) for one in sealed]


def headers(secrets: list[bytes], message_id: str, message: str, now: datetime) -> dict[str, str]:
    """The three headers of Standard Webhooks; one signature per secret."""
    signatures = [Webhook(secret).sign(message_id, now, message) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
