"""Enrollments as they cross HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from contracts.event import Id
from core_lms.moments import ImportedAt
from gateway.text import Body, example

EnrollmentStatus = Literal["enrolled", "completed", "dropped"]


class NewEnrollment(Body):
    """A learner joins the course of the path."""

    model_config = example(user_id="0190f5a2-7c1e-7b54-9d0a-3f2b6f1f0c11")

    user_id: Id
    cohort_id: Id | None = None
    """A group of the course to join as well."""
    occurred_at: ImportedAt = None


class NewInvitation(Body):
    """Somebody is asked into the course of the path."""

    model_config = example(user_id="0190f5a2-7c1e-7b54-9d0a-3f2b6f1f0c11")

    user_id: Id
    cohort_id: Id | None = None
    """A group of the course that they join as well."""


class Leaving(Body):
    """A learner leaves; the body may be left out."""

    model_config = example()

    occurred_at: ImportedAt = None


class Enrollment(BaseModel):
    """A learner in a course; ``progress`` is the percentage of required work that is done."""

    id: UUID
    institution_id: UUID
    user_id: UUID
    course_id: UUID
    progress: float
    status: EnrollmentStatus
    created_at: datetime
    completed_at: datetime | None
    dropped_at: datetime | None


class Invitation(BaseModel):
    """Somebody asked into a course; `id` becomes the enrollment's once it is accepted."""

    id: UUID
    institution_id: UUID
    user_id: UUID
    course_id: UUID
    cohort_id: UUID | None
    invited_by: UUID | None
    status: Literal["open", "accepted", "declined", "withdrawn"]
    created_at: datetime
    answered_at: datetime | None


class WaitlistEntry(BaseModel):
    """A learner who waits for a seat; ``id`` becomes the enrollment's once there is one."""

    id: UUID
    institution_id: UUID
    user_id: UUID
    course_id: UUID
    cohort_id: UUID | None
    status: Literal["waitlisted"]
    position: int
    """1 gets the next seat."""
    created_at: datetime
