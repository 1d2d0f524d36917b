"""Publishes what courses are made of: titles, kinds, places and states, whenever they change.

Whoever changed something of a course calls ``describe`` last. It compares all of the course with
what was published of it, so a change of order or an imported course needs no code of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from contracts.envelope import wrap
from contracts.event import Event
from contracts.events.courses import (
    AssessmentDescribed,
    CourseDescribed,
    ItemDescribed,
    ModuleDescribed,
    QuestionDescribed,
)
from core_lms import outbox
from core_lms.unit import Unit
from stack.queries import load

SOURCE = "course-service"
SQL = load(__file__, "describing.sql")
_EVENTS: dict[str, type[Event]] = {
    "course": CourseDescribed,
    "module": ModuleDescribed,
    "item": ItemDescribed,
    "assessment": AssessmentDescribed,
    "question": QuestionDescribed,
}


@dataclass(frozen=True, slots=True)
class Described:
    """What changed: a row of ``SQL["of_courses"]``; ``what`` is one of ``_EVENTS``."""

    id: UUID
    course_id: UUID
    what: str
    facts: dict[str, Any]
    revision: int

    def event(self) -> Event:
        ids = {"course_id": str(self.course_id), f"{self.what}_id": str(self.id)}
        return _EVENTS[self.what](**ids | self.facts, revision=self.revision)


async def describe(unit: Unit, course_id: UUID | str) -> None:
    """Emit what changed in a course, by whoever; nobody else describes it until we commit."""
    await unit.execute(SQL["lock"], course_ids=[course_id])
    for row in await unit.all(Described, SQL["of_courses"], course_ids=[course_id]):
        unit.emit(row.event(), source=SOURCE)


def describe_imported(
    connection: psycopg.Connection[Any], institution_id: str, course_ids: Iterable[object]
) -> int:
    """The same for courses that were written past the API, as the operator; how many events."""
    values = {"course_ids": list(course_ids), "institution_id": institution_id}
    with connection.transaction(), connection.cursor(row_factory=class_row(Described)) as cursor:
        cursor.execute(SQL["lock"].encode(), values)
        rows = cursor.execute(SQL["of_courses"].encode(), values).fetchall()
        events = [
            wrap(row.event(), institution_id=institution_id, source_service=SOURCE) for row in rows
        ]
        if events:
            cursor.execute(outbox.APPEND.encode(), outbox.rows(*events))
    return len(events)


def describe_missing(connection: psycopg.Connection[Any]) -> int:
    """The same for every course of which nothing was published yet; how many events."""
    found = connection.execute(SQL["undescribed"].encode()).fetchall()
    return sum(
        describe_imported(connection, str(institution_id), course_ids)
        for institution_id, course_ids in found
    )
