"""The views that people read as a page, from their declarations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipelines import job as stream
from pipelines.derive import job as derive
from pipelines.derive.tables import Table
from pipelines.views.catalogue import SCHEMA, catalogue
from pipelines.views.view import View

PAGE = Path("docs/generated/analytics.md")
_HEAD = """# What people read: the schema `analytics`

Made by `./learnstream generate` from the declarations of the jobs' tables (`pipelines/jobs`,
Flink's; `pipelines/derive/jobs`) and of further views (`pipelines/views/declared`); edit those.
Each is a view in the schema `analytics` of the database `analytics`, with these comments in it
(`./learnstream psql analytics`, then `\\d+ NAME`). How a table is stored shows in none of them.
Times are in UTC. Rows stay when old events leave the archive; an erased person's rows get
another id."""


def generate() -> dict[Path, str]:
    """``docs/generated/analytics.md``, by path relative to the repository."""
    tables = {table.name: table for table in (*stream.tables(), *derive.tables())}
    lines = [_HEAD]
    for view in catalogue().values():
        lines += ["", *_view(view, tables.get(view.name))]
    return {PAGE: "\n".join(lines) + "\n"}


def _view(view: View, table: Table | None) -> Iterator[str]:
    yield from (f"## `{SCHEMA}.{view.name}`", "")
    yield f"{view.about}. One row per `{', '.join(view.key)}`."
    rebuilt = ""
    if table:
        by = f"by `{table.time}` or whole" if table.time else "whole"
        rebuilt = f", rebuilt {by}"
    yield f"Source: {view.source}{rebuilt}. Read by {', '.join(view.readers)}."
    yield from ("", "| column | type | unit | |", "|---|---|---|---|")
    for name, column in view.columns.items():
        yield f"| `{name}` | {column.type} | {column.unit or ''} | {column.about} |"
