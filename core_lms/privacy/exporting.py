"""Everything about a person as a zip: each table as JSON and as CSV, written while it is sent.

The LMS's tables are at its top; what they did in what is about others is in ``mentions/``; in
``analytics/`` is what was derived of what they did, with the events themselves, each offer with the
model's score and reason; in ``features/`` what models know of them, the newest row last.

Memory stays bounded: rows come in batches from the server, the CSV goes out as it is made, and its
twin in JSON waits in a temporary file until the CSV is whole (a zip holds one file after another).
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, AsyncCursor, sql
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from contracts.errors import Retryable
from core_lms.privacy import tables
from core_lms.privacy.tables import PEOPLE, Table
from core_lms.sealing import person, texts
from core_lms.sealing.person import DataKey
from core_lms.units import transaction
from gateway.caller import Caller
from stack.postgres import PostgresSettings
from stack.queries import load

BATCH = 500
IN_MEMORY_BYTES = 1 << 20
CHUNK_BYTES = 1 << 16
MEDIA_TYPE = "application/zip"

_person = load(__file__, "erasing.sql")["person"]
_analytics = load(__file__, "exporting.sql")
_SECRET_WORDS = ("hash", "secret", "token", "seed")
_SECRET_TABLES = ("person_keys",)


async def connect() -> AsyncConnection[DictRow]:
    """To the analytical database, as its readers. Raises ``Retryable`` where it is away: better
    than an export that lacks half.
    """
    try:
        return await AsyncConnection.connect(
            PostgresSettings().analyst_url,
            row_factory=dict_row,
            connect_timeout=5,
            application_name="learnstream-export",
        )
    except psycopg.OperationalError as error:
        raise Retryable("the analytical database does not answer: try again") from error


async def export(
    pool: AsyncConnectionPool[Any],
    analytics: AsyncConnection[DictRow],
    caller: Caller,
    user_id: UUID,
) -> AsyncIterator[bytes]:
    """The zip's bytes; closes ``analytics``.

    What proves who somebody is (hashes, keys, tokens) is not part of it.
    """
    async with analytics:
        async for chunk in _export(pool, analytics, caller, user_id):
            yield chunk


async def _export(
    pool: AsyncConnectionPool[Any],
    analytics: AsyncConnection[DictRow],
    caller: Caller,
    user_id: UUID,
) -> AsyncIterator[bytes]:
    out = _Outgoing()
    with zipfile.ZipFile(cast(io.BytesIO, out), "w", zipfile.ZIP_DEFLATED) as archive:
        async with transaction(pool, caller) as unit:
            await unit.cursor.execute(_person, {"user_id": user_id})
            account = await unit.cursor.fetchone()
            assert account is not None
            key = texts.reading(user_id, account["wrapped_key"])
            counts = {}
            for table in await tables.read(unit.cursor):
                if table.name in _SECRET_TABLES:
                    continue
                if table.name == PEOPLE and table.owned:
                    rows = _account(account)
                else:
                    rows = _rows(unit.cursor, table, user_id, key)
                folder = "" if table.owned else "mentions/"
                async for written in _table(archive, out, f"{folder}{table.name}", rows):
                    if isinstance(written, int):
                        counts[f"{folder}{table.name}"] = written
                    else:
                        yield written
        async for name, rows in _derived(analytics, caller.institution_id, user_id):
            async for written in _table(archive, out, name, rows):
                if isinstance(written, int):
                    counts[name] = written
                else:
                    yield written
        archive.writestr("manifest.json", _manifest(user_id, counts))
    yield out.taken()


async def _table(
    archive: zipfile.ZipFile, out: _Outgoing, name: str, rows: AsyncIterator[dict[str, Any]]
) -> AsyncIterator[bytes | int]:
    """Bytes as they come, then the number of rows; a table without any is left out."""
    first = await anext(rows, None)
    if first is None:
        yield 0
        return
    count = 0
    with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as spool:
        with archive.open(_entry(f"{name}.csv"), "w", force_zip64=True) as member:
            text = io.TextIOWrapper(member, encoding="utf-8", newline="", write_through=True)
            writer = csv.DictWriter(text, list(first), extrasaction="ignore")
            writer.writeheader()
            row: dict[str, Any] | None = first
            while row is not None:
                plain = {column: _plain(value) for column, value in row.items()}
                writer.writerow({column: _cell(value) for column, value in plain.items()})
                spool.write(b"[\n" if count == 0 else b",\n")
                spool.write(json.dumps(plain, ensure_ascii=False).encode())
                count += 1
                if out.size >= CHUNK_BYTES:
                    yield out.taken()
                row = await anext(rows, None)
            text.detach()
        spool.write(b"\n]\n")
        spool.seek(0)
        with archive.open(_entry(f"{name}.json"), "w", force_zip64=True) as member:
            for chunk in _chunks(spool.read):
                member.write(chunk)
                if out.size >= CHUNK_BYTES:
                    yield out.taken()
    yield count


async def _account(account: DictRow) -> AsyncIterator[dict[str, Any]]:
    yield {
        column: value
        for column, value in person.opened(account).items()
        if not isinstance(value, bytes | memoryview)
    }


async def _rows(
    cursor: AsyncCursor[DictRow], table: Table, user_id: UUID, key: DataKey | None
) -> AsyncIterator[dict[str, Any]]:
    sealed = {text.column for text in texts.TEXTS if table.owned and text.table == table.name}
    shown = [
        column
        for column, type_ in table.columns.items()
        if (type_ != "bytea" or column in sealed)
        and not any(word in column for word in _SECRET_WORDS)
    ]
    statement = sql.SQL("SELECT {} FROM {} WHERE {}").format(
        sql.SQL(", ").join(map(sql.Identifier, shown)), sql.Identifier(table.name), table.where
    )
    name = f"export_{table.name}"
    async with cursor.connection.cursor(name, row_factory=dict_row) as rows:
        rows.itersize = BATCH
        await rows.execute(statement, {"user_id": user_id})
        async for row in rows:
            row = texts.opened(table.name, key, row) if sealed else row
            # Who else was on a list that somebody read is not the person's to know.
            yield row | {"about": [user_id]} if "about" in row else row


async def _derived(
    connection: AsyncConnection[DictRow], institution_id: str, user_id: UUID
) -> AsyncIterator[tuple[str, AsyncIterator[dict[str, Any]]]]:
    """What the analytical database has of the person: a table's name, and its rows as they come.

    All as of one moment. A table that is made tomorrow is in it, unlisted.
    """
    values: dict[str, Any] = {"institution_id": institution_id, "user_id": str(user_id)}
    await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
    async with connection.transaction():
        await connection.execute(_analytics["scope"], values)
        views = await (await connection.execute(_analytics["views"])).fetchall()
        for view in views:
            query = sql.SQL("SELECT * FROM {}").format(sql.Identifier(view["relname"]))
            yield f"analytics/{view['relname']}", _asked(connection, query, {})
        yield "analytics/offers", _asked(connection, sql.SQL(_analytics["offers"]), {})
        found = await (await connection.execute(_analytics["feature_views"])).fetchall()
        for view in found:
            of_view = {"view": view["feature_view"]}
            rows = _asked(connection, sql.SQL(_analytics["features"]), of_view)
            yield f"features/{view['feature_view']}", (row["one"] async for row in rows)


async def _asked(
    connection: AsyncConnection[DictRow], query: sql.SQL | sql.Composed, values: dict[str, Any]
) -> AsyncIterator[dict[str, Any]]:
    async with connection.cursor("export", row_factory=dict_row) as rows:
        rows.itersize = BATCH
        await rows.execute(query, values)
        async for row in rows:
            yield row


class _Outgoing:
    """A file that ``zipfile`` writes to and that is emptied as it fills; it cannot seek."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self._chunks.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None: ...

    def taken(self) -> bytes:
        whole = b"".join(self._chunks)
        self._chunks, self.size = [], 0
        return whole


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, datetime.now(UTC).timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _chunks(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while chunk := read(CHUNK_BYTES):
        yield chunk


def _manifest(user_id: UUID, counts: dict[str, int]) -> str:
    about = {
        "user_id": str(user_id),
        "made_at": datetime.now(UTC).isoformat(),
        "tables": counts,
        "note": "Each table that has rows is there twice, as JSON and as CSV. `mentions/` is what "
        "you did in something that is about others: what it was, not what it says about them. "
        "`analytics/` is what was derived of what you did: the events (activity_events), "
        "sessions, days, progress, and each offer with the score that a model gave it, the reason "
        "and what became of it. `features/` is what models know of you, over time.",
    }
    return json.dumps(about, indent=2)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str | dict):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value)


def _cell(value: Any) -> Any:
    """Spreadsheets run what begins like a formula: a quote before it makes it text."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
