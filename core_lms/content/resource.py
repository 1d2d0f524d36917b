"""Items of a course, as what a request is about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from gateway.resource import Resource
from stack.queries import load

_sql = load(__file__, "resources.sql")


@dataclass(frozen=True)
class Item(Resource, sql=_sql["item"]):
    """An item in its course; relations as those of the course, ``about`` as well."""

    item_id: UUID | str
    course_id: UUID | str
    about: UUID | str | None = None


@dataclass(frozen=True)
class Media(Resource, sql=_sql["media"]):
    """A file; relations as those of its course.

    ``about`` is the person to whom an address of it was given; their relations begin with
    ``bound_``.
    """

    media_id: UUID | str
    about: UUID | str | None = None
