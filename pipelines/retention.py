"""How long the archive is kept: old chunks go, the derived rows stay.

The process ``pipelines.derive`` writes ``LMS_ARCHIVE_RETENTION_DAYS`` into the database, where the
function ``retain_archive`` reads it. TimescaleDB's own scheduler calls that where the edition has
one (migration 0014); in the Apache edition the process does.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import Connection

from pipelines.archive.settings import ArchiveSettings

log = logging.getLogger("pipelines.retention")

EVERY_S = 3600.0
"""How often it checks for chunks to drop."""


def archive_begins_at(connection: Connection[Any]) -> datetime | None:
    """The archive is complete from this moment on; None where nothing was dropped."""
    row = connection.execute("SELECT begins_at FROM archive_kept").fetchone()
    return row[0].astimezone(UTC) if row and row[0] else None


def configure(connection: Connection[Any]) -> None:
    """Write this process's setting into the database."""
    connection.execute(
        "UPDATE archive_kept SET days = %(days)s WHERE days IS DISTINCT FROM %(days)s",
        {"days": ArchiveSettings().retention_days},
    )


def retain(connection: Connection[Any]) -> int:
    """Drop chunks that are older and derived, where TimescaleDB does not; returns how many."""
    licence = connection.execute("SHOW timescaledb.license").fetchone()
    if licence is not None and licence[0] == "timescale":
        return 0
    try:
        row = connection.execute("SELECT retain_archive()").fetchone()
    except psycopg.errors.LockNotAvailable:
        return 0  # a long read or write holds the table: try again next time
    dropped = int(row[0]) if row else 0
    if dropped:
        log.info("dropped %d chunks of the archive", dropped)
    return dropped
