"""Replays held-back days of OULAD over HTTP, at a chosen speed, on a virtual clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
import psycopg

from contracts.errors import Rejected
from imports import progress, runs
from imports.driving import Answers, Driver, Request
from imports.oulad import history
from imports.oulad.service import map_run
from imports.oulad.source import locate, opened
from imports.publishing import publish
from imports.runs import Run

DAY_S = 86_400
RESULT = "result"
REQUESTS = (
    "SELECT user_id::VARCHAR, what, path, key::VARCHAR, body::VARCHAR FROM request "
    "WHERE day = ? ORDER BY rank, user_id, key"
)


@dataclass(slots=True)
class Replayed:
    """What one replay did: which days of which runs, and what the LMS answered."""

    days: list[date] = field(default_factory=list)
    requests: int = 0
    results: int = 0
    """Final results, which nobody requests: the university announces them."""
    answers: list[Answers] = field(default_factory=list)
    seconds: float = 0.0


def replay(
    institution: str, *, days: int | None = None, speed: float = DAY_S, notify: bool = False
) -> Replayed:
    """Send up to ``days`` held-back days (none: all) of every import that has some.

    ``speed`` is virtual seconds per second; OULAD knows no times of day, so a day's requests are
    spread evenly over it. 0 is as fast as the LMS takes them. A day that was interrupted is sent
    again: the keys make that harmless. Nobody is notified of the past, unless ``notify``.
    """
    done = Replayed()
    started = time.monotonic()
    with runs.alone() as connection:
        known = runs.all_runs(connection, institution)
        for position, run in enumerate(known):
            if run.until_on is None or _over(run):
                continue
            if run.status != "finished":
                raise Rejected(f"the import of {run.name} was interrupted; run it again first")
            left = None if days is None else days - len(done.days)
            if left is None or left > 0:
                _replay_run(connection, run, known[:position], left, speed, done, notify)
    done.seconds = time.monotonic() - started
    return done


def _over(run: Run) -> bool:
    """Whether all held-back days have come: known without reading the source again."""
    ends_on = (run.figures or {}).get("ends_on")
    if not ends_on or run.replayed_until_on is None:
        return False
    return run.replayed_until_on > date.fromisoformat(ends_on)


def _replay_run(
    connection: psycopg.Connection,
    run: Run,
    others: list[Run],
    days: int | None,
    speed: float,
    done: Replayed,
    notify: bool,
) -> None:
    assert run.until_on is not None
    with locate(Path(run.source_path)) as source, ExitStack() as stack:
        if source.content_hash() != run.content_hash:
            raise Rejected(
                f"{run.source_path} is not what was imported: its content has changed; put the "
                "imported files back",
                path=run.source_path,
            )
        with progress.waiting(f"reading {run.source_path}"):
            db = stack.enter_context(opened(source))
        map_run(db, connection, run, others)
        history.state_until(db, run.until_on)
        history.requests(db)
        first = history.day_number(run.replayed_until_on or run.until_on)
        todo = db.execute(
            "SELECT day, count(*) FROM request WHERE day >= ? GROUP BY day ORDER BY day",
            [first],
        ).fetchall()[:days]
        total = sum(count for _, count in todo)
        with progress.counting("replaying", total) as advance:
            asyncio.run(_drive(db, run, todo, speed, advance, done, notify))


async def _drive(
    db: duckdb.DuckDBPyConnection,
    run: Run,
    days: list[tuple[int, int]],
    speed: float,
    advance: Callable[[int], None],
    done: Replayed,
    notify: bool,
) -> None:
    async with Driver(run.institution_id, answered=advance, silent=not notify) as driver:
        done.answers.append(driver.answers)
        started = time.monotonic()
        for day, count in days:
            rows = db.execute(REQUESTS, [day]).fetchall()
            results = [key for _, what, _, key, _ in rows if what == RESULT]
            for number, (learner, what, path, key, body) in enumerate(rows):
                if what == RESULT:
                    continue
                if speed > 0:
                    virtual_s = (day - days[0][0] + number / count) * DAY_S
                    await _until(started + virtual_s / speed)
                await driver.send(Request(learner, what, path, body, key))
            await driver.drained()
            if results:
                await asyncio.to_thread(_announce, db, run, day, results, notify)
                done.results += len(results)
                advance(len(results))
            done.days.append(history.day_date(day))
            done.requests += count - len(results)
            await asyncio.to_thread(
                runs.connect_again, runs.replayed, run, history.day_date(day + 1)
            )


async def _until(moment: float) -> None:
    wait_s = moment - time.monotonic()
    if wait_s > 0:
        await asyncio.sleep(wait_s)


def _announce(
    db: duckdb.DuckDBPyConnection, run: Run, day: int, enrollments: list[str], notify: bool
) -> None:
    """Import the final results of a day: rows first, then events, once."""
    runs.connect_again(_complete, enrollments, history.day_date(day))
    publish(db, run.group, day + 1, notify=notify)


def _complete(connection: psycopg.Connection, enrollments: list[str], on: date) -> None:
    connection.execute(
        "UPDATE enrollments SET status = 'completed', progress = 100, "
        "completed_at = %s::date::timestamp AT TIME ZONE 'UTC' "
        "WHERE id = ANY(%s::uuid[]) AND status = 'enrolled'",
        [on, enrollments],
    )
