"""Sealing what is from before personal data was sealed: part of bringing a database up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from core_lms.sealing import person
from core_lms.sealing.texts import ANSWER, FEEDBACK, POST, REMARK, WHY, Text, reading
from stack.postgres import reach_lms
from stack.queries import load

BATCH = 1000

_sql = load(__file__, "existing.sql")


def seal_existing(url: str | None = None) -> int:
    """Seal accounts and texts that are not yet, batch by batch; returns how many that were.

    Afterwards the database itself vouches that no row holds personal data in the clear.
    Interrupted, it goes on where it stopped. Raises ``Retryable`` while the server is away.
    """
    with reach_lms(url, autocommit=True, row_factory=dict_row) as connection:
        total = 0
        for constraint, table, batches in _VALIDATED:
            about = {"constraint": constraint}
            validated = connection.execute(_sql["is_validated"], about).fetchone()
            if validated and validated["convalidated"]:
                continue
            total += sum(batches(connection))
            connection.execute(
                sql.SQL("ALTER TABLE {} VALIDATE CONSTRAINT {}").format(
                    sql.Identifier(table), sql.Identifier(constraint)
                )
            )
    return total


def _accounts(connection: psycopg.Connection[dict[str, Any]]) -> Iterator[int]:
    while True:
        with connection.transaction():
            rows = connection.execute(_sql["unsealed"], {"limit": BATCH}).fetchall()
            if not rows:
                return
            sealed = [row | person.seal_new(row["institution_id"], row["id"], row) for row in rows]
            with connection.cursor() as cursor:
                cursor.executemany(_sql["seal"], sealed)
        yield len(rows)


def _texts(
    unsealed: str, seal: str, *texts: Text
) -> Callable[[psycopg.Connection[dict[str, Any]]], Iterator[int]]:
    """Seals the rows that the statement ``unsealed`` finds behind the last one of each batch."""

    def batches(connection: psycopg.Connection[dict[str, Any]]) -> Iterator[int]:
        after = {f"after_{name}": UUID(int=0) for name in texts[0].key}
        while True:
            with connection.transaction():
                rows = connection.execute(_sql[unsealed], {"limit": BATCH, **after}).fetchall()
                if not rows:
                    return
                with connection.cursor() as cursor:
                    cursor.executemany(_sql[seal], [_sealed(row, texts) for row in rows])
            after = {f"after_{name}": rows[-1][name] for name in texts[0].key}
            yield len(rows)

    return batches


def _sealed(row: dict[str, Any], texts: tuple[Text, ...]) -> dict[str, Any]:
    """The row's texts under the names of their columns; None for whoever was erased."""
    key = reading(row["user_id"], row["wrapped_key"])
    ids = {text: [row[name] for name in text.key] for text in texts}
    return row | {text.column: key and text.seal(key, row[text.name], *ids[text]) for text in texts}


_VALIDATED = (
    ("users_hold_no_plaintext", "users", _accounts),
    ("content_views_hold_no_text", "content_views", _texts("unsealed_posts", "seal_post", POST)),
    (
        "attempt_questions_hold_no_text",
        "attempt_questions",
        _texts("unsealed_answers", "seal_answer", ANSWER, REMARK),
    ),
    ("feedback_holds_no_text", "feedback", _texts("unsealed_feedback", "seal_feedback", FEEDBACK)),
    ("grade_history_holds_no_text", "grade_history", _texts("unsealed_why", "seal_why", WHY)),
)
"""A constraint, its table, and what seals the rows that do not keep it. Accounts come first: they
have the keys."""
