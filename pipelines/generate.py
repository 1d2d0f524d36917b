"""The tables of all jobs as a page, from their declarations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipelines import job as stream
from pipelines.derive.job import Derived, catalogue
from pipelines.derive.tables import PERSON, Table

PAGE = Path("docs/generated/derived-tables.md")
_HEAD = """# Tables of the jobs

Made by `./learnstream generate` from the declarations in `pipelines/jobs` (Flink's) and
`pipelines/derive/jobs`; edit those. Times are in UTC. Flink's jobs come first, the derived ones in
the order in which a step runs them. Rows stay when old events leave the
archive; an erased person's rows get another id. `learnstream rebuild JOB` rebuilds all of a job."""


def generate() -> dict[Path, str]:
    """``docs/generated/derived-tables.md``, by path relative to the repository."""
    lines = [_HEAD]
    jobs: list[Derived | stream.Job] = [*stream.catalogue().values(), *catalogue().values()]
    for job in jobs:
        if job.tables:
            lines += ["", *_job(job)]
    return {PAGE: "\n".join(lines) + "\n"}


def _job(job: Derived | stream.Job) -> Iterator[str]:
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
