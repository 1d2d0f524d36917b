"""The derived tables as a page, from their declarations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipelines.derive.job import Derived, catalogue
from pipelines.derive.tables import PERSON, Table

PAGE = Path("docs/generated/derived-tables.md")
_HEAD = """# Derived tables

Made by `./learnstream generate` from the declarations in `pipelines/derive/jobs`; edit those. Times
are in UTC. Jobs are in the order in which a step runs them. Rows stay when old events leave the
archive; an erased person's rows get another id. `learnstream rebuild JOB` rebuilds all of a job."""


def generate() -> dict[Path, str]:
    """``docs/generated/derived-tables.md``, by path relative to the repository."""
    lines = [_HEAD]
    for job in catalogue().values():
        if job.tables:
            lines += ["", *_job(job)]
    return {PAGE: "\n".join(lines) + "\n"}


def _job(job: Derived) -> Iterator[str]:
    yield f"## {job.name}"
    yield ""
    yield f"{job.about}."
    for table in job.tables:
        yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    by = f"rebuilt by `{table.time}` or whole" if table.time else "rebuilt whole"
    yield from ("", f"### `{table.name}`", "")
    yield f"{table.about}. Key `{', '.join(table.key)}`; {by}. Read by {', '.join(table.readers)}."
    yield from ("", "| column | type | |", "|---|---|---|")
    for name, column in table.columns.items():
        about = column.about or ("a person" if name == PERSON else "")
        yield f"| `{name}` | {column.type} | {about} |"
