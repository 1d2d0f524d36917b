"""Brings a catalogue into the LMS: one transaction of upserts and the events they cause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from contracts.envelope import Envelope, wrap
from contracts.errors import Misconfigured, Rejected, Retryable
from contracts.event import Event
from contracts.events.assessments import AssessmentCreated, AssessmentUpdated
from contracts.events.courses import CourseCreated, CoursePublished, CourseUpdated
from contracts.events.users import UserCreated, UserUpdated
from contracts.ids import named_id
from core_lms import outbox
from core_lms.courses import describing
from imports.catalogue import people
from imports.catalogue.definition import Catalogue
from stack.postgres import PostgresSettings

HERE = Path(__file__).parent
SOURCE = "open-catalogue"
"""Stored with every row that came from a catalogue, so that pages can say what is made up."""
ITEMS_A_WEEK = 4
"""A course is studied by the week: so many of its items make a module."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one load did; all zero where there was nothing to do."""

    created: int = 0
    updated: int = 0
    events: int = 0


@dataclass(frozen=True, slots=True)
class Rows:
    """A catalogue as rows of the LMS, with the identifiers of one institution."""

    catalogue: Catalogue
    institution_id: str

    def id_of(self, *parts: object) -> str:
        return named_id(self.institution_id, "catalogue", *parts)

    def users(self) -> Iterator[dict[str, Any]]:
        for person in self.catalogue.people:
            profile: dict[str, Any] = {"source": SOURCE, "slug": person.slug, "invented": True}
            if person.interests:
                profile["interests"] = person.interests
            yield {
                "id": self.id_of("user", person.slug),
                "email": person.email,
                "name": person.name,
                "role": person.role,
                "profile": profile,
            }

    def user_roles(self) -> Iterator[dict[str, Any]]:
        for person in self.catalogue.people:
            yield {
                "id": self.id_of("role", person.slug),
                "user_id": self.id_of("user", person.slug),
                "role_name": person.role,
            }

    def courses(self) -> Iterator[dict[str, Any]]:
        for course in self.catalogue.courses:
            yield {
                "id": self.id_of("course", course.slug),
                "title": course.title,
                "description": course.description,
                "instructor_id": self.id_of("user", course.instructor),
                "metadata": {
                    "source": SOURCE,
                    "slug": course.slug,
                    "subject": course.subject,
                    "level": course.level,
                    "tags": course.tags,
                    "prerequisites": [
                        self.id_of("course", before) for before in course.prerequisites
                    ],
                },
            }

    def course_modules(self) -> Iterator[dict[str, Any]]:
        for course in self.catalogue.courses:
            for week in range(-(-len(course.items) // ITEMS_A_WEEK)):
                yield {
                    "id": self.id_of("module", course.slug, week),
                    "course_id": self.id_of("course", course.slug),
                    "title": f"Week {week + 1}",
                    "position": week,
                }

    def content_items(self) -> Iterator[dict[str, Any]]:
        for course in self.catalogue.courses:
            for position, item in enumerate(course.items):
                yield {
                    "id": self.id_of("item", item.slug),
                    "course_id": self.id_of("course", course.slug),
                    "module_id": self.id_of("module", course.slug, position // ITEMS_A_WEEK),
                    "kind": item.kind,
                    "title": item.title,
                    "description": item.description,
                    "position": position,
                    "required": item.required,
                    "metadata": {"source": SOURCE, "slug": item.slug, "minutes": item.minutes},
                }

    def assessments(self) -> Iterator[dict[str, Any]]:
        for course in self.catalogue.courses:
            for assessment in course.assessments:
                yield {
                    "id": self.id_of("assessment", assessment.slug),
                    "course_id": self.id_of("course", course.slug),
                    "kind": assessment.kind,
                    "title": assessment.title,
                    "weight": round(100 / len(course.assessments), 2),
                }


async def load(catalogue: Catalogue, institution_id: str, url: str | None = None) -> Loaded:
    """Make the LMS agree with ``catalogue``; the same again writes no row and no event.

    Raises ``Retryable`` while the database is away, ``Misconfigured`` where its tables are missing,
    and ``Rejected`` where an address of the catalogue belongs to another account.
    """
    rows = Rows(catalogue, institution_id)
    try:
        connection = await psycopg.AsyncConnection.connect(url or PostgresSettings().lms_url)
    except psycopg.OperationalError as error:
        raise Retryable(f"PostgreSQL (LMS_POSTGRES_LMS_URL) does not answer: {error}") from error
    async with connection, connection.cursor(row_factory=dict_row) as cursor:
        try:
            return await _load(cursor, rows)
        except psycopg.errors.UniqueViolation as error:
            # The server's detail quotes the address, which must not reach a log.
            raise Rejected(
                f"people.yaml: an e-mail address of the catalogue belongs to another account "
                f"({error.diag.constraint_name}); change it there or remove that account"
            ) from None
        except psycopg.errors.UndefinedTable as error:
            raise Misconfigured(f"run learnstream migrate first: {error}") from None


async def _load(cursor: psycopg.AsyncCursor[Any], rows: Rows) -> Loaded:
    institution = {"institution_id": rows.institution_id}
    users = await people.upsert(cursor, (row | institution for row in rows.users()))
    await _upsert(cursor, rows, "user_roles")
    courses = await _upsert(cursor, rows, "courses")
    modules = await _upsert(cursor, rows, "course_modules")
    items = await _upsert(cursor, rows, "content_items")
    work = await _upsert(cursor, rows, "assessments")
    children = [*modules, *items, *work]
    new = [row["id"] for row in courses if row["created"]]
    touched = {row["id"] for row in courses} | {row["course_id"] for row in children}
    changed = sorted(touched - set(new))
    await cursor.execute("UPDATE courses SET updated_at = NOW() WHERE id = ANY(%s)", [changed])
    events = [
        *_of_users(rows, users),
        *_of_courses(rows, new, changed),
        *_of_assessments(rows, work),
    ]
    about = {"course_ids": sorted(touched), "institution_id": rows.institution_id}
    await cursor.execute(describing.SQL["of_courses"].encode(), about)
    for row in await cursor.fetchall():
        events.append(_tell(rows, describing.Described(**row).event()))
    if events:
        await outbox.append(cursor, *events)
    created = sum(row["created"] for row in (*users, *courses, *children))
    return Loaded(created, len(users) + len(courses) + len(children) - created, len(events))


async def _upsert(cursor: psycopg.AsyncCursor[Any], rows: Rows, table: str) -> list[dict[str, Any]]:
    """Write ``<table>.sql`` and return the rows that were new or different, in any order."""
    institution = {"institution_id": rows.institution_id}
    given = [row | institution for row in getattr(rows, table)()]
    statement = (HERE / f"{table}.sql").read_text(encoding="utf-8")
    await cursor.execute(statement.encode(), {"rows": Jsonb(given)})
    return await cursor.fetchall() if cursor.description else []


def _of_users(rows: Rows, users: list[dict[str, Any]]) -> Iterator[Envelope]:
    for user in users:
        facts = {"user_id": user["id"], "role": user["role"], "status": user["status"]}
        if user["created"]:
            yield _tell(rows, UserCreated(**facts), f"user.created/{user['id']}")
        else:
            yield _tell(rows, UserUpdated(**facts))


def _of_courses(rows: Rows, new: list[str], changed: list[str]) -> Iterator[Envelope]:
    instructors = {row["id"]: row["instructor_id"] for row in rows.courses()}
    for id_ in new:
        created = CourseCreated(course_id=id_, instructor_id=instructors[id_])
        yield _tell(rows, created, f"course.created/{id_}")
        yield _tell(rows, CoursePublished(course_id=id_), f"course.published/{id_}")
    for id_ in changed:
        yield _tell(rows, CourseUpdated(course_id=id_))


def _of_assessments(rows: Rows, work: list[dict[str, Any]]) -> Iterator[Envelope]:
    for row in work:
        facts = {"assessment_id": row["id"], "course_id": row["course_id"], "kind": row["kind"]}
        facts |= {"due_at": row["due_at"], "weight": row["weight"]}
        if row["created"]:
            yield _tell(rows, AssessmentCreated(**facts), f"assessment.created/{row['id']}")
        else:
            yield _tell(rows, AssessmentUpdated(**facts))


def _tell(rows: Rows, event: Event, name: str | None = None) -> Envelope:
    """An event that happens once has a named id: a rebuilt database emits it under the same id."""
    return wrap(
        event,
        institution_id=rows.institution_id,
        source_service="importer",
        event_id=rows.id_of("event", name) if name else None,
    )
