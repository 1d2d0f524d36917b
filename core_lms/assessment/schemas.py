"""Assessments, submissions, grades and feedback as they cross HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.event import Id, Kind, Percent, Timestamp
from core_lms.moments import OccurredAt
from core_lms.text import Body, Text, Title


class NewAssessment(Body):
    """Work to hand in, in the course of the path."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "kind": "quiz",
                "title": "Reading a histogram",
                "due_at": "2026-03-01T12:00:00Z",
                "weight": 10,
            }
        }
    )

    kind: Kind
    title: Title
    due_at: Timestamp | None = None
    weight: Percent = 0.0
    """Share of the final mark, in percent."""
    required: bool = True
    """Whether completing the course needs a submission."""


class Assessment(BaseModel):
    """Work to hand in."""

    id: UUID
    institution_id: UUID
    course_id: UUID
    kind: str
    title: str
    due_at: datetime | None
    weight: float
    required: bool
    created_at: datetime
    updated_at: datetime


class NewSubmission(Body):
    """A learner hands in work."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"user_id": "0190f5a2-7c1e-7b54-9d0a-3f2b6f1f0c11"}}
    )

    user_id: Id
    occurred_at: OccurredAt = None


class Grade(Body):
    """A score, from 0 to 100; a later one replaces it."""

    model_config = ConfigDict(json_schema_extra={"example": {"score": 87.5}})

    score: Percent
    graded_by: Id | None = None
    """None: graded by a machine."""
    occurred_at: OccurredAt = None


class NewFeedback(Body):
    """What somebody says about handed-in work."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "given_by": "0190f5a2-7c1e-7b54-9d0a-3f2b6f1f0c11",
                "text": "Good reasoning; label the axes.",
            }
        }
    )

    given_by: Id
    text: Annotated[Text, Field(min_length=1, max_length=20_000, pattern=r"\S")]


class Submission(BaseModel):
    """Handed-in work."""

    id: UUID
    institution_id: UUID
    assessment_id: UUID
    user_id: UUID
    course_id: UUID
    submitted_at: datetime
    score: float | None
    graded_at: datetime | None
    graded_by: UUID | None


class Feedback(BaseModel):
    """A comment on handed-in work."""

    id: UUID
    institution_id: UUID
    submission_id: UUID
    given_by: UUID
    text: str
    created_at: datetime
