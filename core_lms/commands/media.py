"""Clean up or encrypt the stored files of courses."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from contracts.errors import Rejected, Retryable
from core_lms import content
from core_lms.content.encryption import SUFFIX, Cipher, cipher, new_key
from core_lms.content.settings import ContentSettings
from core_lms.content.storage import storage
from stack.postgres import PostgresSettings
from stack.queries import load

GROUP = "lms"
Connection = psycopg.AsyncConnection[Any]

AT_ONCE = 500
_sql = load(str(Path(content.__file__)), "media.sql")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Announced files without bytes, bytes without a file, half-written bytes."""

    waiting: int
    objects: int
    halves: int


def configure(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True)
    what.add_parser(
        "clean",
        help="remove what is older than LMS_CONTENT_WAITING_H hours: announced files whose bytes "
        "never came, bytes that no file has, and what killed uploads left; run it once a day",
    )
    what.add_parser(
        "encrypt",
        help="encrypt the files that were stored before files were encrypted; interrupted, it goes "
        "on where it stopped",
    )


def run(args: argparse.Namespace) -> int:
    if args.what == "encrypt":
        print(f"{asyncio.run(encrypt()):,} files encrypted")
        return 0
    cleaned = asyncio.run(clean())
    print(
        f"{cleaned.waiting} announced files, {cleaned.objects} stored objects and "
        f"{cleaned.halves} half-written ones removed"
    )
    return 0


async def clean(now: datetime | None = None) -> Cleaned:
    """Of all institutions. Younger than the limit may be an upload under way, and stays."""
    before = (now or datetime.now(UTC)) - timedelta(hours=ContentSettings().waiting_h)
    async with await _connected() as database:
        waiting = await database.execute(_sql["forget_all_waiting"], {"before": before})
        objects, old = 0, []
        async for key, written_at in storage().objects():
            if written_at < before:
                old.append(key)
            if len(old) == AT_ONCE:
                objects += await _remove(database, old)
                old = []
        objects += await _remove(database, old)
    return Cleaned(waiting.rowcount, objects, await storage().sweep(before))


async def encrypt() -> int:
    """Encrypt the objects of all institutions that are not; returns how many that were.

    Each is written anew under another key, its files are pointed there, and only then is the old
    one removed. Raises ``Rejected`` where the bytes are not those that were uploaded.
    """
    encrypted = 0
    async with await _connected() as database:
        found = await database.execute(_sql["not_encrypted"])
        for old, institution_id, size, sha256 in await found.fetchall():
            seal = await _cipher(database, institution_id)
            new, digest = f"{old}{SUFFIX}", hashlib.sha256()
            await storage().write(new, seal.encrypted(new, _hashed(old, size, digest)))
            if digest.hexdigest() != sha256:
                await storage().delete(new)
                raise Rejected(f"the bytes of file {old} are not those that were uploaded")
            async with database.transaction():
                # Whoever is copying a course has read the old key and is waited for.
                await database.execute("LOCK TABLE media IN ACCESS EXCLUSIVE MODE")
                await database.execute(_sql["move"], {"new": new, "old": old})
            await storage().delete(old)
            encrypted += 1
    return encrypted


async def _hashed(key: str, size: int, digest: Any) -> AsyncIterator[bytes]:
    async for chunk in storage().read(key, 0, size):
        digest.update(chunk)
        yield chunk


async def _cipher(database: Connection, institution_id: str) -> Cipher:
    values = {"institution_id": institution_id, "wrapped": new_key(institution_id)}
    await database.execute(_sql["make_key"], values)
    row = await (await database.execute(_sql["key"], values)).fetchone()
    assert row is not None
    return cipher(institution_id, bytes(row[0]))


async def _connected() -> Connection:
    """As the owner, who sees all institutions."""
    try:
        return await psycopg.AsyncConnection.connect(PostgresSettings().lms_url, autocommit=True)
    except psycopg.OperationalError as error:
        raise Retryable(f"PostgreSQL (LMS_POSTGRES_LMS_URL) does not answer: {error}") from error


async def _remove(database: Connection, keys: list[str]) -> int:
    """Those of the objects that no file has."""
    if not keys:
        return 0
    found = await database.execute(_sql["keys_in_use"], {"keys": keys})
    unused = set(keys) - {row[0] for row in await found.fetchall()}
    for key in unused:
        await storage().delete(key)
    return len(unused)
