"""Registers the catalogue before features are pushed: history's tables, Feast's registry, rights.

Feast is imported only where the catalogue or Feast's version differs from what is registered: its
import takes seconds.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from contracts.errors import Retryable
from features import consent, drift, history
from features.catalogue import REGISTRY_SCHEMA, SERVICES, VIEWS, WINDOW_VIEWS
from stack import postgres, roles

RIGHTS = Path(__file__).parent / "sql" / "rights.sql"
_ROLES = ("features", "inbox", "monitor", "reader")
_LOCK = 0x4C53_0F01  # one at a time; any constant no other lock of ours uses


def prepare() -> bool:
    """Create what is missing; returns whether the catalogue had to be registered.

    Raises ``Retryable`` where the database does not answer.
    """
    try:
        with postgres.connect_analytics(autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])  # until the connection ends
            postgres.make(connection, "CREATE SCHEMA IF NOT EXISTS {}", REGISTRY_SCHEMA)
            history.prepare(connection, list(VIEWS.values()))
            consent.prepare(connection)
            drift.prepare(connection)
            registered = _register(connection)
            roles.declare(
                connection,
                RIGHTS,
                ("features", "inbox", "monitor", "reader"),
                (history.SCHEMA, "feast"),
            )
            return registered
    except psycopg.OperationalError as error:
        raise Retryable(f"the feature store's database does not answer: {error}") from error


def _register(connection: psycopg.Connection[Any]) -> bool:
    wanted = fingerprint()
    found = connection.execute(
        "SELECT obj_description(%s::regnamespace, 'pg_namespace')", [REGISTRY_SCHEMA]
    ).fetchone()
    if found == (wanted,):
        return False
    from features import store

    store.apply()
    connection.execute(
        sql.SQL("COMMENT ON SCHEMA {} IS {}").format(
            sql.Identifier(REGISTRY_SCHEMA), sql.Literal(wanted)
        )
    )
    return True


def fingerprint() -> str:
    """Changes with the catalogue, with how it is declared to Feast, and with Feast's version."""
    declared = Path(__file__).with_name("store.py").read_text(encoding="utf-8")
    catalogue = repr([*VIEWS.values(), *WINDOW_VIEWS.values(), *SERVICES])
    return hashlib.sha256("\n".join([version("feast"), declared, catalogue]).encode()).hexdigest()
