"""What a key looks like: ``lsk_``, 256 random bits, and a check of its own spelling."""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib

PREFIX = "lsk_"
"""By which scanners of code and logs recognise a leaked key."""

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY, _CHECK = 43, 6  # 62^43 > 2^256, 62^6 > 2^32
_SHAPE = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_BODY + _CHECK}}}")


def new() -> str:
    body = _base62(secrets.randbits(256), _BODY)
    return f"{PREFIX}{body}{_check(body)}"


def well_formed(key: str) -> bool:
    """Whether it could be one of ours: nonsense is refused without asking the database."""
    if not _SHAPE.fullmatch(key):
        return False
    body = key[len(PREFIX) : -_CHECK]
    return key.endswith(_check(body))


def digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("ascii")).digest()


def _check(body: str) -> str:
    return _base62(zlib.crc32(body.encode("ascii")), _CHECK)


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
