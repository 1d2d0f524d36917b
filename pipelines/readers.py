"""Who may do what in the analytical database: the views that people read, filtered ones per scope,
and each role's rights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from contracts import live, tiles
from pipelines import job
from pipelines.derive import job as derive
from pipelines.views import catalogue
from stack import roles

ROLES = (
    *("lms", "inbox", "archive", "derive", "monitor", "live", "features", "flink"),
    *("analyst", "reader"),
)
"""Who comes into this database, besides the operator."""
RIGHTS = Path(__file__).with_name("rights.sql")
READERS = (Path(__file__).parent / "readers.sql").read_text(encoding="utf-8")


def close_to_readers(owner: psycopg.Connection[Any]) -> None:
    """Before a migration: a view would forbid changing the columns it shows."""
    owner.execute("DROP SCHEMA IF EXISTS seen_institution, seen_courses, seen_learner CASCADE")
    catalogue.drop(owner)


def declare(owner: psycopg.Connection[Any]) -> bool:
    """Make the views (``pipelines.views``, ``readers.sql``) anew where they have changed, and give
    each role what ``rights.sql`` says; whether a role's rights had to be."""
    roles.steadily(owner, lambda: _views(owner))
    return roles.declare(
        owner,
        RIGHTS,
        ROLES,
        derived_tables=[table.name for table in derive.tables()],
        flink_tables=[table.name for table in job.tables()],
        tile_tables=list(tiles.TABLES),
        live_tables=[live.TABLE, tiles.LEARNER_TILES.name],
        course_tables=list(tiles.COURSE_TABLES),
    )


def _views(owner: psycopg.Connection[Any]) -> None:
    catalogue.make(owner)
    owner.execute(READERS.encode())
