"""Sealing accounts from before personal data was sealed: part of bringing a database up to date."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.rows import dict_row

from contracts.errors import Retryable
from core_lms.privacy import person
from stack.postgres import PostgresSettings
from stack.queries import load

BATCH = 1000

_sql = load(__file__, "sealing.sql")


def seal_existing(url: str | None = None) -> int:
    """Seal whoever is not sealed yet, batch by batch; returns how many that were.

    Afterwards the database itself vouches that no row holds personal data in the clear.
    Interrupted, it goes on where it stopped. Raises ``Retryable`` while the server is away.
    """
    try:
        connection = psycopg.connect(
            url or PostgresSettings().lms_url, autocommit=True, row_factory=dict_row
        )
    except psycopg.OperationalError as error:
        raise Retryable(f"PostgreSQL (LMS_POSTGRES_LMS_URL) does not answer: {error}") from error
    with connection:
        total = sum(_batches(connection))
        validated = connection.execute(_sql["is_validated"]).fetchone()
        if not (validated and validated["convalidated"]):
            connection.execute(_sql["validate"])
    return total


def _batches(connection: psycopg.Connection[dict[str, Any]]) -> Iterator[int]:
    while True:
        with connection.transaction():
            rows = connection.execute(_sql["unsealed"], {"limit": BATCH}).fetchall()
            if not rows:
                return
            sealed = [row | person.seal_new(row["institution_id"], row["id"], row) for row in rows]
            with connection.cursor() as cursor:
                cursor.executemany(_sql["seal"], sealed)
        yield len(rows)
