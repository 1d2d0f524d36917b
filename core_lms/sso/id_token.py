"""ID tokens: what a provider says of who came back (OpenID Connect Core 1.0, 3.1.3.7)."""

from __future__ import annotations

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
    several = isinstance(claims.get("aud"), list) and len(claims["aud"]) > 1
    expected = jwt.JWTClaimsRegistry(
        now=int(clock()),
        leeway=leeway_s,
        iss={"essential": True, "value": metadata.issuer},
        aud={"essential": True, "value": client_id},
        azp={"essential": several, "value": client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        expected.validate(claims)
    except JoseError as error:
        raise _refused(str(error)) from None
    if len(claims["sub"]) > 255:
        raise _refused("its subject is too long")
    return claims


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
