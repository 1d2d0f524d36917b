"""Writes events as the LMS does: rows and outbox in one transaction, each once whatever dies.

Those of recommendations go to Kafka at once, as from serving: the relay may not write their topic.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import Connection

from contracts.envelope import Envelope
from contracts.topics import CONTENT, RECOMMENDATIONS
from core_lms import outbox
from core_lms.courses.describing import describe_imported
from stack.postgres import connect_lms
from stack.queries import load
from tests.soak.publishing import ANY, publish
from tests.soak.school import KINDS, School

_SQL = load(__file__, "rows.sql")
PATIENCE_S = 120.0


class Lms:
    """One writer; a transaction whose end it did not hear of is looked up, never done twice."""

    def __init__(self) -> None:
        self._connection: Connection[Any] | None = None

    def found(self, school: School) -> list[Envelope]:
        """The school's accounts, courses, items, work and enrollments; returns their events."""
        events = school.founded()
        self.write(events, _items(school))
        return events

    def describe(self, school: School) -> int:
        """Have the school's courses described, as the LMS would; returns by how many events."""
        courses = school.items.keys()
        return describe_imported(self._connected(), school.institution_id, courses, history=False)

    def write(
        self, events: Sequence[Envelope], further: Sequence[tuple[str, dict[str, Any]]] = ()
    ) -> None:
        """``further`` are statements of ``rows.sql`` with their rows.

        Waits for a Postgres that is away; fails after ``PATIENCE_S``.
        """
        of_serving = [event for event in events if event.topic == RECOMMENDATIONS.name]
        if of_serving:
            publish((event, ANY) for event in of_serving)
        events = [event for event in events if event.topic != RECOMMENDATIONS.name]
        by_statement: dict[str, list[dict[str, Any]]] = {name: [] for name in _SQL}
        for event in events:
            if (name := _statement(event)) in by_statement:
                by_statement[name].append(_row(event))
        for name, row in further:
            by_statement[name].append(row)
        deadline, number = time.monotonic() + PATIENCE_S, None
        while True:
            try:
                connection = self._connected()
                if number is not None and _is_committed(connection, number):
                    return
                with connection.transaction():
                    row = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
                    number = str(row[0]) if row else None
                    with connection.cursor() as cursor:
                        for name in (name for name in by_statement if by_statement[name]):
                            cursor.executemany(_SQL[name].encode(), by_statement[name])
                        cursor.execute(outbox.APPEND, outbox.rows(*events))
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise AssertionError(f"Postgres is away for {PATIENCE_S} s: {error}") from error
                self.close()
                time.sleep(0.2)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _connected(self) -> Connection[Any]:
        if self._connection is None:
            self._connection = connect_lms(autocommit=True, connect_timeout=5)
        return self._connection


def _is_committed(connection: Connection[Any], number: str) -> bool:
    row = connection.execute("SELECT pg_xact_status(%s::xid8)", [number]).fetchone()
    return row == ("committed",)


def _statement(event: Envelope) -> str:
    return "content" if event.topic == CONTENT.name else event.event_type.replace(".", "_")


def _row(event: Envelope) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "event_type": event.event_type,
        "at": event.timestamp,
        "institution_id": event.institution_id,
        "clicks": 0,
        **event.payload.model_dump(),
    }


def _items(school: School) -> list[tuple[str, dict[str, Any]]]:
    return [
        (
            "item",
            {
                "item_id": item,
                "course_id": course,
                "kind": KINDS[number % len(KINDS)],
                "position": number,
                "institution_id": school.institution_id,
            },
        )
        for course, items in school.items.items()
        for number, item in enumerate(items)
    ]
