"""Plays an hour of study on a virtual clock that ends now, once per name."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from contracts.ids import named_id
from imports import progress
from imports.catalogue.definition import Person, read
from imports.catalogue.load import Rows, load
from imports.driving import Answers, Driver, Request
from imports.runs import alone, connect_again
from imports.study import quizzes
from imports.study.behaviour import study
from imports.study.reactions import react
from imports.study.requests import requests_of


@dataclass(slots=True)
class Studied:
    """What one run did; ``answers`` is None where it had been played before."""

    people: int
    minutes: int
    actions: int
    answers: Answers | None = None
    reactions: Counter[str] = field(default_factory=Counter)
    """What they did with recommendations: clicks, conversions, dismissals."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class StudyRun:
    """A row of ``study_runs``: the hour that has this name."""

    id: UUID
    seed: int
    starts_at: datetime
    minutes: int
    finished_at: datetime | None


def play(
    catalogue_folder: Path, institution: str, *, name: str, minutes: int, speed: float, seed: int
) -> Studied:
    """Have the catalogue's people study for the ``minutes`` before now, ``speed`` times as fast.

    A run that was interrupted goes on under its name with the hour it began with; a finished one
    is not played again. Raises ``Retryable`` where the LMS stays away.
    """
    catalogue = read(catalogue_folder)
    asyncio.run(load(catalogue, institution))
    with alone() as connection:
        run = _begin(connection, institution, name, minutes, seed)
        people = [person for person in catalogue.people if person.role == "student"]
        rows = Rows(catalogue, institution)
        enrolled = _enrolled(connection, [rows.id_of("user", person.slug) for person in people])
        timed = [
            pair
            for person in people
            for pair in requests_of(
                rows,
                person,
                study(person, catalogue.courses, run.minutes, f"{name}/{run.seed}"),
                str(run.id),
                run.starts_at,
                enrolled,
            )
        ]
        timed.sort(key=lambda pair: pair[0])  # stable: each learner's own order stays
        studied = Studied(len(people), run.minutes, len(timed))
        if run.finished_at is None:
            started = time.monotonic()
            with progress.counting("studying", len(timed)) as advance:
                studied.answers = asyncio.run(_drive(timed, institution, speed, advance))
            studied.reactions = _answer(connection, rows, people, run, f"{name}/{run.seed}")
            studied.seconds = time.monotonic() - started
            connect_again(_finish, run.id, len(timed))
    return studied


def _answer(
    connection: psycopg.Connection[Any],
    rows: Rows,
    people: Sequence[Person],
    run: StudyRun,
    seed: str,
) -> Counter[str]:
    """Quizzes, recommendations, then corrections; what was done with recommendations."""
    courses = {course.slug: rows.id_of("course", course.slug) for course in rows.catalogue.courses}
    users = {person.slug: rows.id_of("user", person.slug) for person in people}
    enrolled = _enrolled(connection, list(users.values()))
    run_id, institution = str(run.id), rows.institution_id
    made = [one for course in rows.catalogue.courses for one in quizzes.setting_up(rows, course)]
    taken, corrected = [], []
    for person in people:
        within = [slug for slug in courses if (users[person.slug], courses[slug]) in enrolled]
        answers = list(quizzes.taking(rows, person, within, run_id, seed))
        taken += answers
        corrected += list(quizzes.correcting(answers))
    asyncio.run(_in_turn(institution, made, taken))
    reactions = react(list(users.values()), seed)
    asyncio.run(_in_turn(institution, corrected[::3]))
    return reactions


async def _in_turn(institution: str, *phases: Iterable[Request]) -> None:
    """Send each phase once the one before is answered."""
    async with Driver(institution) as driver:
        for phase in phases:
            for request in phase:
                await driver.send(request)
            await driver.drained()


async def _drive(
    timed: list[tuple[float, Request]], institution: str, speed: float, advance: progress.Advance
) -> Answers:
    async with Driver(institution, answered=advance) as driver:
        started = time.monotonic()
        for at_s, request in timed:
            wait_s = started + at_s / speed - time.monotonic() if speed > 0 else 0
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            await driver.send(request)
        await driver.drained()
        return driver.answers


def _enrolled(connection: psycopg.Connection[Any], users: list[str]) -> dict[tuple[str, str], str]:
    """Who is in which course already, and under which enrollment."""
    found = connection.execute(
        "SELECT user_id::text, course_id::text, id::text FROM enrollments "
        "WHERE status <> 'dropped' AND user_id = ANY(%s::uuid[])",
        [users],
    )
    return {(user, course): enrollment for user, course, enrollment in found}


def _begin(
    connection: psycopg.Connection[Any], institution: str, name: str, minutes: int, seed: int
) -> StudyRun:
    """The run of this name: as it was begun, else begun now with the hour that ends now."""
    starts_at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=minutes)
    with connection.cursor(row_factory=class_row(StudyRun)) as cursor:
        cursor.execute(
            "INSERT INTO study_runs (id, institution_id, name, seed, starts_at, minutes) "
            "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [named_id(institution, "study", name), institution, name, seed, starts_at, minutes],
        )
        cursor.execute(
            "SELECT id, seed, starts_at, minutes, finished_at FROM study_runs "
            "WHERE institution_id = %s AND name = %s",
            [institution, name],
        )
        row = cursor.fetchone()
        assert row is not None
        return row


def _finish(connection: psycopg.Connection[Any], run_id: object, actions: int) -> None:
    connection.execute(
        "UPDATE study_runs SET finished_at = NOW(), actions = %s WHERE id = %s", [actions, run_id]
    )
