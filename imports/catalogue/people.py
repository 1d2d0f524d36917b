"""The people of a catalogue: compared in the clear, written sealed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg

from core_lms.sealing import person

HERE = Path(__file__).parent
ALONE = b"SELECT pg_advisory_xact_lock(hashtext('catalogue people'))"
"""Serializes loads: the second compares with what the first wrote."""
KNOWN = """
SELECT users.*, person_keys.wrapped_key
FROM users LEFT JOIN person_keys ON person_keys.user_id = users.id
WHERE users.id = ANY(%s::uuid[]) FOR UPDATE OF users
"""


async def upsert(
    cursor: psycopg.AsyncCursor[Any], given: Iterable[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Write people who are new or different and return their rows; an erased person stays erased.

    What a person added to their profile is kept.
    """
    wanted = {str(row["id"]): row for row in given}
    await cursor.execute(ALONE)
    await cursor.execute(KNOWN.encode(), [list(wanted)])
    known = {str(row["id"]): row for row in await cursor.fetchall()}
    statement = (HERE / "users.sql").read_text(encoding="utf-8").encode()
    changed: list[dict[str, Any]] = []
    for id_, row in wanted.items():
        found = known.get(id_)
        values, wrapped = row, None
        if found is not None:
            if found["erased_at"] is not None:
                continue
            before = person.opened(found)
            values = row | {"profile": before["profile"] | row["profile"]}
            wrapped = found["wrapped_key"]
            fields = ("email", "name", "role", "profile")
            if wrapped and all(before[field] == values[field] for field in fields):
                continue
        columns = person.seal_new(values["institution_id"], id_, values, wrapped)
        await cursor.execute(statement, values | columns)
        changed += await cursor.fetchall()
    return changed
