"""Assessments and what was handed in, as what a request is about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from gateway.resource import Resource


@dataclass(frozen=True)
class Assessment(Resource, beside=__file__):
    """Work set in a course; relations as those of the course, ``about`` is whose work it is."""

    assessment_id: UUID | str
    about: UUID | str | None = None


@dataclass(frozen=True)
class Submission(Resource, beside=__file__):
    """Work handed in; the caller may be who did it (``self``) or an ``instructor``."""

    submission_id: UUID | str


@dataclass(frozen=True)
class Bank(Resource, beside=__file__):
    """A question bank; the caller may be an ``instructor`` of its course."""

    bank_id: UUID | str


@dataclass(frozen=True)
class Question(Resource, beside=__file__):
    """A question with its key; the caller may be an ``instructor`` of its course."""

    question_id: UUID | str


@dataclass(frozen=True)
class Attempt(Resource, beside=__file__):
    """An attempt; the caller may be its learner (``self``) or an ``instructor``."""

    attempt_id: UUID | str
