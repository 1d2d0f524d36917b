"""Readers of the analytical database: filtered views per scope, and the role of the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from stack.postgres import PostgresSettings

ROLE = "learnstream_analyst"
READERS = (Path(__file__).parent / "readers.sql").read_text(encoding="utf-8")
_ROLES_LOCK = 0x4C53_0004  # any constant no other lock of ours uses


def close_to_readers(owner: psycopg.Connection[Any]) -> None:
    """Before a migration: a view would forbid changing the columns it shows."""
    owner.execute("DROP SCHEMA IF EXISTS seen_institution, seen_courses, seen_learner CASCADE")


def open_to_readers(owner: psycopg.Connection[Any], settings: PostgresSettings) -> None:
    """Make the views of ``readers.sql`` anew where the tables have changed.

    The role logs in with the password of ``LMS_POSTGRES_ANALYST_URL``, where that has one; where
    the administrator made another login, that one is to be granted the three roles.
    """
    owner.execute("SELECT pg_advisory_xact_lock(%s)", (_ROLES_LOCK,))
    owner.execute(READERS.encode())
    given = conninfo_to_dict(settings.analyst_url)
    if given.get("user") != ROLE or not given.get("password"):
        return
    password = owner.pgconn.encrypt_password(str(given["password"]).encode(), ROLE.encode())
    owner.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(
            sql.Identifier(ROLE), sql.Literal(password.decode())
        )
    )
