"""ID tokens: what a provider says of who came back (OpenID Connect Core 1.0, 3.1.3.7)."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import extract_compact

from core_lms.sso.provider import Directory, Metadata
from gateway.errors import Unauthenticated

ALGORITHMS = {
    "RS256": "RSA",
    "RS384": "RSA",
    "RS512": "RSA",
    "PS256": "RSA",
    "PS384": "RSA",
    "PS512": "RSA",
    "ES256": "EC",
    "ES384": "EC",
    "ES512": "EC",
    "EdDSA": "OKP",
    "Ed25519": "OKP",
}
"""Signatures that only the provider can make, with the kind of key each takes."""

MAX_LENGTH = 32 * 1024
_UNREADABLE = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Claims:
    """Who came back."""

    subject: str
    email: str | None
    email_verified: bool
    name: str | None


async def verified(
    directory: Directory,
    metadata: Metadata,
    token: Any,
    *,
    client_id: str,
    nonce: str,
    leeway_s: int,
    clock: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """The claims, once everything about them is right; raises ``Unauthenticated`` otherwise."""
    if not isinstance(token, str) or len(token) > MAX_LENGTH:
        raise _refused("there is none")
    try:
        header = extract_compact(token.encode("ascii")).headers()
        algorithm, kid = header["alg"], header.get("kid")
    except _UNREADABLE:
        raise _refused("it cannot be read") from None
    if algorithm not in ALGORITHMS:
        raise _refused(f"it is signed with {str(algorithm)[:20]!r}")
    if kid is not None and not isinstance(kid, str):
        raise _refused("its key has no name")
    claims = None
    for key in await directory.keys(metadata, kid):
        if key.key_type == ALGORITHMS[algorithm]:
            try:
                claims = jwt.decode(token, key, [algorithm]).claims
                break
            except _UNREADABLE:
                continue
    if claims is None:
        raise _refused("its signature is not the provider's")
    _check(claims, metadata.issuer, client_id, nonce, clock(), leeway_s)
    return claims


def _check(
    claims: dict[str, Any], issuer: str, client_id: str, nonce: str, now: float, leeway_s: int
) -> None:
    if claims.get("iss") != issuer:
        raise _refused("it is from another issuer")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if client_id not in audiences:
        raise _refused("it is meant for somebody else")
    if claims.get("azp", None if len(audiences) > 1 else client_id) != client_id:
        raise _refused("it was given to somebody else")
    expires, issued = claims.get("exp"), claims.get("iat")
    if not isinstance(expires, (int, float)) or expires <= now - leeway_s:
        raise _refused("it has expired")
    if not isinstance(issued, (int, float)) or issued > now + leeway_s:
        raise _refused("it is from the future")
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise _refused("it belongs to another login")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise _refused("it is about nobody")


def about(claims: dict[str, Any]) -> Claims:
    """What we use of the claims of an ID token or the userinfo endpoint."""
    email, name, said = claims.get("email"), claims.get("name"), claims.get("email_verified")
    return Claims(
        subject=claims["sub"],
        email=email if isinstance(email, str) else None,
        email_verified=said is True or said == "true",  # some write it as text
        name=name if isinstance(name, str) else None,
    )


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(f"the provider's ID token is refused: {why}")
