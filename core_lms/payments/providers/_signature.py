"""Signatures like Stripe's: ``t=<unix seconds>,v1=<hex>``, HMAC-SHA256 over ``t.payload``."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from gateway.errors import Forbidden


def sign(payload: bytes, secret: str, at: int) -> str:
    """The header of a payload signed at ``at``."""
    return f"t={at},v1={_mac(payload, secret, at)}"


def verify(
    payload: bytes, header: str | None, secrets: Sequence[str], tolerance_s: int, now: float
) -> None:
    """Raises ``Forbidden`` unless one of ``secrets`` signed the payload within the tolerance.

    Several secrets are valid while one is being rotated; a header may carry several signatures.
    Every pair is compared, in constant time. The time is checked after them: who cannot sign does
    not learn about our clock.
    """
    at, given = _parts(header or "")
    if at is None or not given:
        raise Forbidden("the notice has no signature like t=…,v1=…")
    right = False
    for secret in secrets:
        expected = _mac(payload, secret, at).encode()
        for one in given:
            right |= hmac.compare_digest(expected, one)
    if not right:
        raise Forbidden("the notice's signature is not right: compare the webhook secret")
    if abs(now - at) > tolerance_s:
        raise Forbidden(f"the notice was signed more than {tolerance_s} s from now")


def _parts(header: str) -> tuple[int | None, list[bytes]]:
    at: int | None = None
    given: list[bytes] = []
    for pair in header.split(","):
        name, _, value = pair.strip().partition("=")
        if name == "t":
            at = int(value) if value.isascii() and value.isdecimal() and len(value) < 13 else None
        elif name == "v1":
            given.append(value.encode("utf-8", "replace"))
    return at, given[:8]


def _mac(payload: bytes, secret: str, at: int) -> str:
    return hmac.new(secret.encode(), b"%d." % at + payload, hashlib.sha256).hexdigest()
