"""The Ed25519 keys that sign certificates: one signs, the earlier ones still verify."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from psycopg import AsyncCursor
from psycopg.rows import DictRow

from contracts.ids import new_id
from stack.keyset import master
from stack.queries import load

_sql = load(__file__)


async def sign(cursor: AsyncCursor[DictRow], text: str) -> tuple[str, bytes]:
    """The id of the key that signs now, and its signature of ``text``; makes the first key.

    The key is read in the caller's transaction, so one that was superseded does not sign.
    """
    await cursor.execute(_sql["signing_key"])
    row = await cursor.fetchone()
    if row is None:
        await rotate(cursor, unless_there_is_one=True)
        await cursor.execute(_sql["signing_key"])
        row = await cursor.fetchone()
    assert row is not None
    key = _opened(row["kid"], bytes(row["private_sealed"]))
    return row["kid"], key.sign(text.encode())


async def rotate(cursor: AsyncCursor[DictRow], *, unless_there_is_one: bool = False) -> str | None:
    """A new key signs from now on; the private half of the one before is destroyed."""
    await cursor.execute(_sql["lock_keys"])
    if unless_there_is_one:
        await cursor.execute(_sql["signing_key"])
        if await cursor.fetchone() is not None:
            return None
    key, kid = Ed25519PrivateKey.generate(), new_id()
    await cursor.execute(_sql["supersede"])
    await cursor.execute(
        _sql["insert_key"],
        {
            "kid": kid,
            "public_key": key.public_key().public_bytes_raw(),
            "private_sealed": master().encrypt(key.private_bytes_raw(), kid.encode()),
        },
    )
    return kid


async def public_keys(cursor: AsyncCursor[DictRow]) -> list[DictRow]:
    """``kid`` and ``public_key`` of every key there ever was, the newest first."""
    await cursor.execute(_sql["public_keys"])
    rows: list[DictRow] = await cursor.fetchall()
    return rows


def verifies(public_key: bytes, signature: bytes, text: str) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(bytes(public_key)).verify(
            bytes(signature), text.encode()
        )
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=4)
def _opened(kid: str, sealed: bytes) -> Ed25519PrivateKey:
    secret: Any = master().decrypt(sealed, kid.encode())
    return Ed25519PrivateKey.from_private_bytes(secret)
