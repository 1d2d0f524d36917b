"""Importing OULAD: rows into the LMS, then the history into Kafka; repeatable at any point."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from contracts.errors import Rejected
from core_lms.courses.describing import describe_imported
from imports import progress, runs
from imports.loading import load
from imports.oulad import history
from imports.oulad.source import Source, locate, opened
from imports.publishing import chunks, publish
from imports.runs import Run


@dataclass(slots=True)
class Imported:
    """What one import did: LMS rows by table, events published, seconds by phase."""

    run: Run
    published: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    nothing_new: str | None = None
    """Why there was nothing to do, if so."""

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.seconds[phase] = round(time.monotonic() - started, 3)


def import_oulad(
    path: Path,
    institution: str,
    *,
    until: date | None = None,
    hold_back_days: int | None = None,
    notify: bool = False,
) -> Imported:
    """Import all that happened before ``until``, or before the last ``hold_back_days`` days.

    Raises ``Rejected`` for a source that is odd or was imported up to another day, and
    ``Retryable`` where a server is away: run it again and it goes on.
    """
    with runs.alone() as connection, locate(path) as source:
        with progress.waiting(f"recognising {path}"):
            known = runs.all_runs(connection, institution)
            run, others = _run_of(known, source, institution)
        done = Imported(run)
        as_before = (run.figures or {}).get("hold_back_days") == hold_back_days
        if run.status == "finished" and as_before:
            if hold_back_days is None:
                _same_days(run, until)
            done.nothing_new = "this content was imported before"
            return done
        with ExitStack() as stack:
            with done.timed("read"), progress.waiting(f"reading {path}"):
                db = stack.enter_context(opened(source))
            return _import(db, connection, done, others, until, hold_back_days, notify)


def _import(
    db: duckdb.DuckDBPyConnection,
    connection: psycopg.Connection[Any],
    done: Imported,
    others: list[Run],
    until: date | None,
    hold_back_days: int | None,
    notify: bool,
) -> Imported:
    run = done.run
    with done.timed("map"), progress.waiting("mapping"):
        map_run(db, connection, run, others)
        if hold_back_days is not None:
            until = _held_back(db, hold_back_days)
        if run.id is None:
            run.until_on = until
            run.presentations = presentations(db)
        _same_days(run, until)
        if run.status == "finished":
            done.nothing_new = "this content was imported before"
            return done
        if not run.presentations:
            done.nothing_new = "other imports brought all of its presentations"
            return done
        history.state_until(db, run.until_on)
    with (
        done.timed("load"),
        progress.waiting("loading the LMS"),
        connection.transaction(),
    ):
        done.rows = load(db, connection, history.LMS_TABLES)
        courses = db.execute("SELECT id FROM lms_courses").fetchall()
        describe_imported(connection, run.institution_id, [id_ for (id_,) in courses])
        run.rows = run.rows or done.rows
        runs.begin(connection, run)
    end = history.until_day(run.until_on)
    total = sum(chunk.events for chunk in chunks(db, end))
    with done.timed("publish"), progress.counting("publishing events", total) as advance:
        done.published = publish(db, run.group, end, advance, notify=notify)
    run.events = history.counts(db, end)
    run.figures = {
        "seconds": done.seconds,
        "published": done.published,
        "hold_back_days": hold_back_days,
        "ends_on": str(history.day_date(history.end_day(db) - 1)),
    }
    runs.finish(connection, run)
    run.status = "finished"
    return done


def map_run(
    db: duckdb.DuckDBPyConnection,
    connection: psycopg.Connection[Any],
    run: Run,
    others: list[Run],
) -> None:
    """Map what is this run's own.

    Left out are presentations and people that other runs brought, and people erased since.

    """
    brought = [pair.partition("/")[::2] for other in others for pair in other.presentations]
    people = runs.users_of(connection, others) if others else []
    history.map_history(db, run.institution_id, skipped=brought, known=people)
    erased = connection.execute(
        "SELECT encode(digest, 'hex') FROM erasures WHERE institution_id = %s",
        [run.institution_id],
    ).fetchall()
    history.leave_out(db, [digest for (digest,) in erased])


def _run_of(known: list[Run], source: Source, institution: str) -> tuple[Run, list[Run]]:
    """The run of this content, new or begun before, and the others (all finished)."""
    content_hash = source.content_hash()
    others = [run for run in known if run.content_hash != content_hash]
    unfinished = [run for run in others if run.status != "finished"]
    if unfinished:
        raise Rejected(
            f"the import of {unfinished[0].name} was interrupted; run it again first",
            run=unfinished[0].name,
        )
    for run in known:
        if run.content_hash == content_hash:
            # Later runs count this one among the others.
            return run, others[: known.index(run)]
    path = str(source.path.resolve())
    return Run(institution, path, content_hash, source.format, None, []), others


def presentations(db: duckdb.DuckDBPyConnection) -> list[str]:
    rows = db.execute(
        "SELECT module || '/' || presentation FROM presentation ORDER BY 1"
    ).fetchall()
    return [row[0] for row in rows]


def _held_back(db: duckdb.DuckDBPyConnection, days: int) -> date | None:
    last = history.last_day(db)
    return None if last is None or days <= 0 else history.day_date(last + 1 - days)


def _same_days(run: Run, until: date | None) -> None:
    if run.until_on == until:
        return
    was = f"until {run.until_on}" if run.until_on else "whole"
    wanted = f"until {until}" if until else "whole"
    raise Rejected(
        f"{run.source_path} was imported {was} before and cannot be imported {wanted} as well: "
        "learnstream replay brings days that were held back; learnstream wipe --all begins anew",
        run=run.name,
    )
