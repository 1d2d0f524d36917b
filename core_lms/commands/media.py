"""Files of courses: remove what nobody came back for."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from contracts.errors import Retryable
from core_lms import content
from core_lms.content.settings import ContentSettings
from core_lms.content.storage import storage
from stack.postgres import PostgresSettings
from stack.queries import load

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


def run(args: argparse.Namespace) -> int:
    cleaned = asyncio.run(clean())
    print(
        f"{cleaned.waiting} announced files, {cleaned.objects} stored objects and "
        f"{cleaned.halves} half-written ones removed"
    )
    return 0


async def clean(now: datetime | None = None) -> Cleaned:
    """Of all institutions. Younger than the limit may be an upload under way, and stays."""
    before = (now or datetime.now(UTC)) - timedelta(hours=ContentSettings().waiting_h)
    try:
        database = await psycopg.AsyncConnection.connect(
            PostgresSettings().lms_url, autocommit=True
        )
    except psycopg.OperationalError as error:
        raise Retryable(f"PostgreSQL (LMS_POSTGRES_LMS_URL) does not answer: {error}") from error
    async with database:
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


async def _remove(database: psycopg.AsyncConnection[tuple[str]], keys: list[str]) -> int:
    """Those of the objects that no file has."""
    if not keys:
        return 0
    found = await database.execute(_sql["keys_in_use"], {"keys": keys})
    unused = set(keys) - {row[0] for row in await found.fetchall()}
    for key in unused:
        await storage().delete(key)
    return len(unused)
