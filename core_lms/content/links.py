"""Addresses of files that expire and are bound to one person.

A player cannot send an Authorization header, so the address itself says for whom and until when,
and a HMAC (RFC 2104, SHA-256) over all of it makes that ours. Whoever passes it on passes on their
name; and at each use the person must still be in the course.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from gateway.errors import Forbidden
from stack.secrets import secret


@dataclass(frozen=True, slots=True)
class Link:
    """For whom (``user_id`` in ``institution_id``) and until when (Unix seconds) it is good."""

    media_id: str
    institution_id: str
    user_id: str
    expires: int

    def signature(self) -> str:
        parts = (self.institution_id, self.media_id, self.user_id, str(self.expires))
        key = secret("media-links", lambda: secrets.token_hex(32)).encode()
        digest = hmac.new(key, "\n".join(parts).encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    @property
    def url(self) -> str:
        query = {
            "institution": self.institution_id,
            "user": self.user_id,
            "expires": self.expires,
            "signature": self.signature(),
        }
        return f"/api/v1/media/{self.media_id}/bytes?{urlencode(query)}"

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self.expires, UTC)

    def check(self, signature: str, now: float | None = None) -> int:
        """Seconds for which it is still good; raises ``Forbidden`` for a forged or an old one."""
        if not hmac.compare_digest(self.signature().encode(), signature.encode()):
            raise Forbidden("the address of the file was not signed by us: ask for a new one")
        left = self.expires - (time.time() if now is None else now)
        if left <= 0:
            raise Forbidden("the address of the file has expired: ask for a new one")
        return int(left)


def link(
    media_id: str, institution_id: str, user_id: str, seconds: int, now: float | None = None
) -> Link:
    """A new one; its end is rounded up to a minute, so that caches see few different addresses."""
    expires = (time.time() if now is None else now) + seconds
    return Link(media_id, institution_id, user_id, int(-(-expires // 60) * 60))
