"""Logins under way at a provider: what has to match when the person comes back.

``state`` travels through the browser's address; ``binding`` never leaves the program that began,
so a stolen or planted address finishes nothing. Both are taken once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass

import redis.asyncio

from contracts.errors import Rejected


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is kept in Redis under the hash of ``state``."""

    institution_id: str
    provider_id: str
    redirect_uri: str
    nonce: str
    verifier: str
    binding_hash: str

    @property
    def challenge(self) -> str:
        """PKCE, S256 (RFC 7636)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


async def begin(
    redis: redis.asyncio.Redis,
    institution_id: str,
    provider_id: str,
    redirect_uri: str,
    lifetime_s: int,
) -> tuple[Attempt, str, str]:
    """The attempt, its ``state`` and its ``binding``."""
    state, binding = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    attempt = Attempt(
        institution_id,
        provider_id,
        redirect_uri,
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        binding_hash=_hash(binding),
    )
    await redis.set(_key(state), json.dumps(asdict(attempt)), ex=lifetime_s)
    return attempt, state, binding


async def take(
    redis: redis.asyncio.Redis, state: str, binding: str, institution_id: str, provider_id: str
) -> Attempt:
    """The attempt of ``state``, which is used up by asking; raises ``Rejected``."""
    kept = await redis.getdel(_key(state))
    attempt = None if kept is None else Attempt(**json.loads(kept))
    if (
        attempt is None
        or not hmac.compare_digest(attempt.binding_hash, _hash(binding))
        or (attempt.institution_id, attempt.provider_id) != (institution_id, provider_id)
    ):
        raise Rejected("this login was not begun here, took too long or is done: start again")
    return attempt


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(state: str) -> str:
    return f"sso:{_hash(state)}"
