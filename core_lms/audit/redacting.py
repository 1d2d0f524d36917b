"""The audit log names an erased person by the id that took the place of theirs.

What a row says is changed, its ``hash`` is not: the chain and every kept head hold as before. In
the same transaction the log gets a row ``audit.redact``, sealed like any other, whose resource has
a digest over the hashes of the changed rows' new content. So ``learnstream audit verify`` still
notices any other change.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg

from core_lms.audit.chain import REDACT, Head, Redaction, content_hash, digest, next_hash
from stack.queries import load

ACTOR = "machine/audit"

_sql = load(__file__, "redacting.sql")


def redact(connection: psycopg.Connection[dict[str, Any]]) -> int:
    """Redact whoever was erased and is named in the log; returns how many people.

    ``connection`` is the sealer's, which is the only one that seals.
    """
    erased = connection.execute(_sql["erased"]).fetchall()
    for person in erased:
        with connection.transaction():
            _redact(connection, person)
    return len(erased)


def _redact(connection: psycopg.Connection[dict[str, Any]], person: dict[str, Any]) -> None:
    rows = connection.execute(_sql["change"], person).fetchall()
    if rows:
        before = connection.execute(_sql["last"]).fetchone()
        assert before is not None  # there are rows
        last, now = Head(before["position"], bytes(before["hash"])), datetime.now(UTC)
        at = last.position + 1
        noted = sorted(
            (Redaction(row["position"], at, content_hash(row)) for row in rows),
            key=lambda one: one.position,
        )
        entry = {
            "position": at,
            "id": uuid4(),
            "at": now,
            "actor": ACTOR,
            "action": REDACT,
            "resource": digest(noted),
            "about": [person["pseudonym"]],
            "session_id": None,
            "institution_id": person["institution_id"],
            "sealed_at": now,
        }
        connection.execute(_sql["vouch"], entry | {"hash": next_hash(last.hash, entry)})
        with connection.cursor() as cursor:
            cursor.executemany(
                _sql["note"], [(one.position, one.at, one.content_hash) for one in noted]
            )
    connection.execute(_sql["done"], person)


def noted(connection: psycopg.Connection[dict[str, Any]]) -> list[Redaction]:
    """Every redaction there was."""
    return [
        Redaction(row["position"], row["redacted_at_position"], bytes(row["content_hash"]))
        for row in connection.execute(_sql["redactions"]).fetchall()
    ]
