"""The token of an unsubscribe link: whose mails of which kind it ends, signed, for ever.

A mail is read years later, so it does not expire; all it can do is to end mails.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from gateway.errors import NotFound
from stack.secrets import secret

_VERSION = b"\x01"
_MAC = 16


@cache
def _key() -> bytes:
    return secret("unsubscribe-key", lambda: secrets.token_urlsafe(32)).encode()


@dataclass(frozen=True, slots=True)
class Unsubscription:
    """Ends one kind on one channel for one person."""

    institution_id: str
    user_id: str
    kind: str
    channel: str

    def token(self) -> str:
        body = (
            _VERSION
            + UUID(self.institution_id).bytes
            + UUID(self.user_id).bytes
            + f"{self.kind}/{self.channel}".encode()
        )
        return base64.urlsafe_b64encode(body + _mac(body)).rstrip(b"=").decode()

    @classmethod
    def read(cls, token: str) -> Unsubscription:
        """Raises ``NotFound`` for a token that is not ours."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
        except (ValueError, binascii.Error):
            raw = b""
        body, mac = raw[:-_MAC], raw[-_MAC:]
        if len(body) < 34 or body[:1] != _VERSION or not hmac.compare_digest(mac, _mac(body)):
            raise NotFound("this link is not one of ours: copy it whole from the mail")
        kind, _, channel = body[33:].decode().partition("/")
        return cls(str(UUID(bytes=body[1:17])), str(UUID(bytes=body[17:33])), kind, channel)


def _mac(body: bytes) -> bytes:
    return hmac.digest(_key(), b"unsubscribe" + body, hashlib.sha256)[:_MAC]
