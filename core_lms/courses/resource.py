"""Courses, as what a request is about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from gateway.resource import Resource


@dataclass(frozen=True)
class Course(Resource, beside=__file__):
    """A course; the caller may be an ``instructor`` or ``learner`` of it.

    ``about`` is the person for whom something is done in it; then the caller may be the ``self``.
    """

    course_id: UUID | str
    about: UUID | str | None = None


@dataclass(frozen=True)
class Cohort(Resource, beside=__file__):
    """A group of learners; relations as those of its course."""

    cohort_id: UUID | str
