"""A derived job: the tables it keeps and the SQL that keeps them, one module and one .sql each."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from contracts.errors import Rejected

_FOLDER = Path(__file__).parent / "jobs"


@dataclass(frozen=True)
class Derived:
    """``pipelines/derive/jobs/<name>.py`` says what, ``<name>.sql`` how.

    A job takes part in every step and adds what the step's fresh events change. One with ``due``
    makes whole keys again instead, between steps: those that stand in the table ``due``.
    """

    name: str
    about: str
    tables: Mapping[str, str | None]
    """Each table and its column of time, by which a part of it can be rebuilt; None: only whole."""
    due: str | None = None
    all_due: str | None = None
    """The query for every key there is, for a job with ``due``."""
    needs: tuple[str, ...] = field(default=())
    """Jobs whose tables this one reads: a rebuild makes them first."""

    def statements(self) -> list[str]:
        return statements(_FOLDER / f"{self.name}.sql")


@cache
def catalogue() -> dict[str, Derived]:
    """Every derived job by name: the modules of ``pipelines/derive/jobs``."""
    found: dict[str, Derived] = {}
    for module in pkgutil.iter_modules([str(_FOLDER)]):
        job: Derived = importlib.import_module(f"pipelines.derive.jobs.{module.name}").JOB
        if job.name != module.name:
            raise TypeError(f"derive/jobs/{module.name}.py declares a job named {job.name!r}")
        found[job.name] = job
    return found


def find(name: str) -> Derived:
    jobs = catalogue()
    if name not in jobs:
        raise Rejected(f"there is no derived job {name!r}; there are {', '.join(jobs)}", job=name)
    return jobs[name]


@cache
def statements(path: Path) -> list[str]:
    """The statements of an SQL file, in order; they end with a semicolon at a line's end."""
    text = "\n".join(
        line
        for line in path.read_text(encoding="utf-8").splitlines()
        if not line.lstrip().startswith("--")
    )
    return [part.strip() for part in re.split(r";\s*\n|;\s*$", text) if part.strip()]


@cache
def named(path: Path) -> dict[str, str]:
    """The statements of an SQL file by the name in the ``-- name:`` line before each."""
    parts = re.split(r"^-- name: (\w+)\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))
