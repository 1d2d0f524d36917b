"""Every view that people read, and making them in the schema ``analytics``."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from psycopg import Connection, sql

from contracts.errors import Misconfigured
from pipelines import job as stream
from pipelines.derive import job as derive
from pipelines.views.view import View, of_table, read

SCHEMA = "analytics"
_FOLDER = Path(__file__).parent / "declared"
_ABOUT = "What people read: one view per table, without how it is stored"
_VERSION = "SELECT obj_description(to_regnamespace(%s), 'pg_namespace')"


@cache
def catalogue() -> dict[str, View]:
    """Every view by name: those of the jobs' tables in the order of the jobs, then the declared."""
    jobs: list[stream.Job | derive.Derived] = [*stream.catalogue().values()]
    jobs += derive.catalogue().values()
    views = [of_table(table, f"job {job.name}") for job in jobs for table in job.tables]
    views += [read(path) for path in sorted(_FOLDER.glob("*.sql"))]
    found = {view.name: view for view in views}
    if len(found) < len(views):
        twice = {view.name for view in views if found[view.name] is not view}
        raise Misconfigured(f"two views are called {', '.join(sorted(twice))}")
    return found


def drop(owner: Connection[Any]) -> None:
    """Before tables change: a view would forbid it. Views over these go as well."""
    owner.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())


def make(owner: Connection[Any]) -> bool:
    """Make all views anew where one is not as declared; whether that had to be done."""
    statements = [_statements(view) for view in catalogue().values()]
    script = sql.SQL(";\n").join(statements).as_string(owner)
    about = f"{_ABOUT} ({hashlib.sha256(script.encode()).hexdigest()[:16]})"
    row = owner.execute(_VERSION.encode(), [SCHEMA]).fetchone()
    if row is not None and row[0] == about:
        return False
    drop(owner)
    owner.execute(f"CREATE SCHEMA {SCHEMA}".encode())
    owner.execute(script.encode())
    owner.execute(
        sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(SCHEMA), sql.Literal(about))
    )
    return True


def _statements(view: View) -> sql.Composable:
    name = sql.Identifier(SCHEMA, view.name)
    query = sql.SQL(view.sql)  # of a declaration, never of a caller
    lines: list[sql.Composable] = [
        sql.SQL("CREATE VIEW {} AS {}").format(name, query),
        sql.SQL("COMMENT ON VIEW {} IS {}").format(name, sql.Literal(view.comment)),
    ]
    lines += [
        sql.SQL("COMMENT ON COLUMN {} IS {}").format(
            sql.Identifier(SCHEMA, view.name, column), sql.Literal(shown.comment)
        )
        for column, shown in view.columns.items()
    ]
    return sql.SQL(";\n").join(lines)
