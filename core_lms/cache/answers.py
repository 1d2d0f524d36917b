"""The answers that are kept: which entries there are, and which events make them untrue."""

from __future__ import annotations

from collections.abc import Iterable

from contracts.envelope import Envelope
from contracts.events.courses import (
    CourseArchived,
    CourseCreated,
    CoursePublished,
    CourseUnpublished,
    CourseUpdated,
)
from core_lms.cache.store import Entry

COURSE_CHANGES = (CourseCreated, CourseUpdated, CoursePublished, CourseUnpublished, CourseArchived)
"""Every change of a course or of what it consists of is told by one of these."""

FIRST_PAGE = 50
"""The limit of a list that is asked for without one; other pages are not kept."""


def course(institution_id: str, course_id: object) -> Entry:
    """One course, as everybody sees it who may see it."""
    return Entry(institution_id, "course", str(course_id))


def contents(institution_id: str, course_id: object) -> Entry:
    """The first page of a course's items, as those see it who do not run the course."""
    return Entry(institution_id, "contents", str(course_id))


def untrue(institution_id: str, envelopes: Iterable[Envelope]) -> list[Entry]:
    """What may not be kept any longer once these events are true."""
    found: dict[Entry, None] = {}
    for envelope in envelopes:
        if isinstance(envelope.payload, COURSE_CHANGES):
            for entry in (course, contents):
                found[entry(institution_id, envelope.payload.course_id)] = None
    return list(found)
