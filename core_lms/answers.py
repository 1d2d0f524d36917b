"""The answers that the cache keeps, under which names, and which events invalidate them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from contracts.envelope import Envelope
from contracts.events.courses import (
    CourseArchived,
    CourseCreated,
    CoursePublished,
    CourseUnpublished,
    CourseUpdated,
)
from gateway.pages import Window


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept under one name; ``kind`` also distinguishes variants of an answer."""

    institution_id: str
    kind: str
    id: str

    @property
    def keys(self) -> tuple[str, str]:
        name = f"{self.institution_id}:{self.kind}:{self.id}"
        return f"cache:{name}", f"cachegen:{name}"


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes of a JSON answer and their tag."""

    tag: str
    body: bytes

    @classmethod
    def of(cls, shape: TypeAdapter[Any], content: Any, tag: str | None = None) -> Answer:
        """``content`` as a route with this response model sends it; by default its bytes' tag."""
        body = shape.dump_json(shape.validate_python(content, from_attributes=True))
        return cls(tag or f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"', body)

    def kept(self) -> bytes:
        return self.tag.encode() + b"\n" + self.body

    @classmethod
    def read(cls, value: bytes) -> Answer:
        tag, _, body = value.partition(b"\n")
        return cls(tag.decode(), body)


COURSE_CHANGES = (CourseCreated, CourseUpdated, CoursePublished, CourseUnpublished, CourseArchived)
"""Every change of a course or of what it consists of emits one of these."""

FIRST_PAGE = Window()
"""Of a list that is asked for without a word about its page; other pages are not kept."""


def course(institution_id: str, course_id: object) -> Entry:
    """One course, as everybody sees it who may see it."""
    return Entry(institution_id, "course", str(course_id))


def contents(institution_id: str, course_id: object) -> Entry:
    """The first page of a course's items, as those see it who do not run the course."""
    return Entry(institution_id, "contents", str(course_id))


def invalidated_by(institution_id: str, envelopes: Iterable[Envelope]) -> list[Entry]:
    """The entries that these events invalidate, each once."""
    found: dict[Entry, None] = {}
    for envelope in envelopes:
        if isinstance(envelope.payload, COURSE_CHANGES):
            for entry in (course, contents):
                found[entry(institution_id, envelope.payload.course_id)] = None
    return list(found)
