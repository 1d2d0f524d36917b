"""Everything about a person as a zip: each table as JSON and as CSV, written while it is sent.

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

from psycopg import AsyncCursor, sql
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from core_lms.privacy import person, tables, texts
from core_lms.privacy.person import DataKey
from core_lms.privacy.tables import PEOPLE, Table
from core_lms.work import transaction
from gateway.caller import Caller
from stack.queries import load

BATCH = 500
IN_MEMORY_BYTES = 1 << 20
CHUNK_BYTES = 1 << 16
MEDIA_TYPE = "application/zip"

_person = load(__file__, "erasing.sql")["person"]
_SECRET_PARTS = ("hash", "secret", "token", "seed")
_SECRET_TABLES = ("person_keys",)


async def export(
    pool: AsyncConnectionPool[Any], caller: Caller, user_id: UUID
) -> AsyncIterator[bytes]:
    """The zip's bytes. What proves who somebody is (hashes, keys, tokens) is not part of it."""
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
        and not any(part in column for part in _SECRET_PARTS)
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


class _Outgoing:
    """A file that ``zipfile`` writes to and that is emptied as it fills; it cannot seek."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None: ...

    def taken(self) -> bytes:
        whole = b"".join(self._parts)
        self._parts, self.size = [], 0
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
        "you did in something that is about others: what it was, not what it says about them.",
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
