"""Web push: encrypted to the browser (RFC 8291), signed by us (VAPID, RFC 8292), by way of its
push service (RFC 8030).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02
from py_vapid.utils import b64urldecode, b64urlencode
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from pywebpush import WebPusher

from contracts.errors import Rejected, Retryable
from core_lms.notifications.channels import Message
from core_lms.notifications.repository import Browser, data_key, sql
from core_lms.sealing.person import DataKey
from core_lms.unit import Unit
from stack.secrets import secret

PLACE = "push_subscriptions.sealed"
MAX_BODY = 600
"""Characters of a text that a push carries; all of it has to fit into 4 KB, encrypted."""


class WebPushSettings(BaseSettings):
    """Which push services we post to, and how: ``LMS_NOTIFICATIONS_PUSH_*``."""

    model_config = SettingsConfigDict(env_prefix="LMS_NOTIFICATIONS_", frozen=True)

    push_services: str = (
        "fcm.googleapis.com,updates.push.services.mozilla.com,*.push.apple.com,*.notify.windows.com"
    )
    """Hosts a browser may name as its push service, separated by commas; `*.` allows what is below.
    We post to the address a person gives us: without the list, to any machine we can reach."""
    push_contact: str = "mailto:learnstream@localhost"
    """Whom a push service writes to (VAPID ``sub``)."""
    push_ttl_s: int = Field(default=24 * 3600, ge=0)
    push_timeout_s: float = Field(default=15.0, gt=0)


def _new_key() -> str:
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return str(b64urlencode(number.to_bytes(32, "big")))


@cache
def vapid() -> Vapid02:
    """The key pair of this installation: browsers subscribe to it, so it must not change."""
    return Vapid02.from_raw(secret("vapid-key", _new_key).encode())


def public_key() -> str:
    """What a browser is given as ``applicationServerKey``."""
    point = vapid().public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return str(b64urlencode(point))


def allowed(endpoint: str) -> bool:
    """Whether a browser may name this address: we post to it."""
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        return False
    if parts.username is not None or not parts.hostname:
        return False
    host, standard = parts.hostname.lower(), parts.scheme == "https" and port in (None, 443)
    origin = f"{parts.scheme}://{parts.netloc}"
    patterns = [pattern.strip() for pattern in WebPushSettings().push_services.split(",")]
    # A pattern with a scheme is an exact origin: a push service of one's own.
    return any(
        origin == pattern if "://" in pattern else standard and fnmatchcase(host, pattern)
        for pattern in patterns
    )


def check_keys(p256dh: str, auth: str) -> None:
    """Raises ``Rejected`` for keys that nothing can be encrypted to."""
    try:
        point, secret_ = b64urldecode(p256dh.encode()), b64urldecode(auth.encode())
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise Rejected("keys.p256dh: this is no public key of a browser") from None
    if len(secret_) != 16:
        raise Rejected("keys.auth: this is no secret of 16 bytes")


def payload(message: Message) -> bytes:
    """What the page's service worker gets; ``tag`` lets a repeated one replace the first."""
    body = message.text.body
    shown: dict[str, Any] = {
        "id": message.notification_id,
        "tag": message.notification_id,
        "kind": message.kind,
        "title": message.text.subject[:200],
        "body": body if len(body) <= MAX_BODY else body[: MAX_BODY - 1] + "…",
        "language": message.text.language,
        "url": message.link,
    }
    return json.dumps(shown, ensure_ascii=False).encode()


class WebPush:
    """Repeated, a push replaces the first: on its way by its topic, on the screen by its tag."""

    needs_consent = True

    def unavailable(self) -> str | None:
        return None

    async def targets(self, unit: Unit, user_id: str) -> Sequence[str]:
        return [
            str(row.id) for row in await unit.all(Browser, sql["subscriptions"], user_id=user_id)
        ]

    async def send(self, message: Message) -> None:
        own, subscription = WebPushSettings(), await _subscription(message)
        endpoint = str(subscription["endpoint"])
        if not allowed(endpoint):
            raise Rejected("the push service is not among LMS_NOTIFICATIONS_PUSH_SERVICES")
        body = WebPusher(subscription).encode(payload(message), "aes128gcm")["body"]
        origin = urlsplit(endpoint)
        headers = vapid().sign(
            {
                "sub": own.push_contact,
                "aud": f"{origin.scheme}://{origin.netloc}",
                "exp": str(int(time.time()) + 12 * 3600),
            }
        ) | {
            "TTL": str(own.push_ttl_s),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "Topic": UUID(message.delivery_id).hex,
            "Urgency": "normal",
        }
        try:
            async with httpx.AsyncClient(timeout=own.push_timeout_s) as client:
                answer = await client.post(endpoint, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise Retryable(f"the push service does not answer: {type(error).__name__}") from None
        await self._judge(message, answer.status_code)

    async def _judge(self, message: Message, status: int) -> None:
        if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            async with message.transaction() as unit:
                which = {"user_id": message.user_id, "id": message.target}
                await unit.execute(sql["unsubscribe_push"], **which)
            raise Rejected("the browser has ended its subscription")
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500:
            raise Retryable(f"the push service does not take it now: {status}")
        if status >= 300:
            raise Rejected(f"the push service refuses it: {status}")


async def _subscription(message: Message) -> dict[str, Any]:
    async with message.transaction() as unit:
        which = {"user_id": message.user_id, "id": message.target}
        row = await unit.one(Browser, sql["subscription"], **which)
        wrapped = await data_key(unit, message.user_id)
    if row is None or wrapped is None:
        raise Rejected("the browser is no longer subscribed")
    key = await asyncio.to_thread(DataKey.unwrap, message.user_id, wrapped)
    found: dict[str, Any] = json.loads(key.open(PLACE, row.sealed))
    return found


channel = WebPush()
