"""Access tokens: JSON Web Tokens signed with Ed25519 (RFC 8037, RFC 9864), short-lived."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.jws import extract_compact

from contracts.event import UUID_PATTERN
from gateway.caller import Caller
from gateway.errors import Unauthenticated
from gateway.keys import ALGORITHM, KeyRing
from gateway.settings import LONGEST_LIFETIME_S
from gateway.settings import settings as access_settings

LIFETIME_S = access_settings().token_lifetime_s
LEEWAY_S = 5
MAX_LENGTH = 8192
_is_id = re.compile(UUID_PATTERN).match
KEPT = 20_000
"""Verified tokens remembered: checking a signature costs a tenth of a millisecond."""

_HEADER = {"alg", "kid", "typ"}
"""Our tokens' header members; others (``jku``, ``jwk``, ``crit``…) ask us to trust something."""

_UNREADABLE = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


def issue(
    ring: KeyRing,
    institution_id: str,
    *,
    user_id: str | None = None,
    roles: Sequence[str] = (),
    permissions: Sequence[str] = (),
    session_id: str | None = None,
    authenticated_at: float | None = None,
    name: str | None = None,
    lifetime_s: float = LIFETIME_S,
    now: float | None = None,
) -> str:
    """A signed token of a person, or with ``name`` and no ``user_id`` of a machine.

    ``now`` and ``authenticated_at`` are seconds since the epoch. Blocks while the key is read.
    """
    if not 0 < lifetime_s <= LONGEST_LIFETIME_S:
        raise ValueError(f"a token lives for up to {LONGEST_LIFETIME_S} seconds, not {lifetime_s}")
    moment = time.time() if now is None else now
    settings = access_settings()
    kid, key = ring.signer()
    claims: dict[str, Any] = {
        "iss": settings.issuer,
        "aud": settings.audience,
        "iat": int(moment),
        "exp": int(moment + lifetime_s),
        "institution_id": institution_id,
        "roles": sorted(roles),
        "permissions": sorted(permissions),
    }
    if user_id is not None:
        claims |= {"sub": user_id, "user_id": user_id}
    if name is not None:
        claims["name"] = name
    if session_id is not None:
        claims["sid"] = session_id
    if authenticated_at is not None:
        claims["auth_time"] = int(authenticated_at)
    return jwt.encode({"alg": ALGORITHM, "kid": kid, "typ": "JWT"}, claims, key, [ALGORITHM])


class Keys(Protocol):
    """Where the public keys come from: ``KeyRing`` with the LMS's database, ``RemoteKeys`` without.

    ``public`` is None for a key that is forged, retired, or not read yet; ``refresh`` reads
    them, unless that was done ``after_s`` ago, and blocks.
    """

    def public(self, kid: str) -> OKPKey | None: ...

    def refresh(self, after_s: float = ...) -> None: ...


class Verifier:
    """Tokens to callers; what was verified once is remembered until it expires."""

    def __init__(self, ring: Keys, clock: Callable[[], float] = time.time) -> None:
        self.ring, self._clock = ring, clock
        self._known: dict[str, tuple[float, str, Caller]] = {}
        settings = access_settings()
        self._claims = jwt.JWTClaimsRegistry(
            lambda: int(clock()),
            LEEWAY_S,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.audience},
            exp={"essential": True},
            iat={"essential": True},
            institution_id={"essential": True},
        )

    def known(self, token: str) -> Caller | None:
        """The caller of a token verified before and still valid."""
        found = self._known.get(token)
        if found is None:
            return None
        until, kid, caller = found
        # Its key may have been revoked since.
        if until <= self._clock() or self.ring.public(kid) is None:
            del self._known[token]
            return None
        return caller

    def kid(self, token: str) -> str | None:
        """The key that a token says it was signed with, unverified; None where it is no token."""
        if len(token) > MAX_LENGTH:
            return None
        try:
            header = extract_compact(token.encode("ascii")).headers()
        except _UNREADABLE:
            return None
        kid = header.get("kid")
        ours = header.get("alg") == ALGORITHM and header.keys() <= _HEADER
        return kid if ours and isinstance(kid, str) else None

    def verify(self, token: str) -> Caller:
        """Raises ``Unauthenticated`` for whatever is not a valid token of ours."""
        found = self.known(token)
        if found is not None:
            return found
        kid = self.kid(token)
        key = None if kid is None else self.ring.public(kid)
        if kid is None or key is None:
            raise Unauthenticated("the access token is not one of ours: log in again")
        try:
            claims = jwt.decode(token, key, [ALGORITHM]).claims
            self._claims.validate(claims)
            caller = _caller(claims)
            until = float(claims["exp"])
        except _UNREADABLE:
            raise Unauthenticated("the access token is not valid or has expired") from None
        if len(self._known) >= KEPT:
            self._known.clear()
        self._known[token] = until, kid, caller
        return caller


def _caller(claims: dict[str, Any]) -> Caller:
    institution_id, user_id = claims["institution_id"], claims.get("user_id")
    person = user_id is not None
    for id_ in filter(None, (institution_id, user_id)):
        if not isinstance(id_, str) or not _is_id(id_):
            raise ValueError("an id that is none")
    return Caller(
        "person" if person else "machine",
        institution_id,
        user_id=user_id,
        roles=frozenset(claims["roles"]),
        permissions=frozenset(claims["permissions"]),
        session_id=claims.get("sid"),
        authenticated_at=claims.get("auth_time"),
        name=f"user/{user_id}" if person else f"machine/{claims['name']}",
    )
