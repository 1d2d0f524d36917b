"""Courses as they cross HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.event import Id
from core_lms.text import Body, JsonObject, LongText, Title

CourseStatus = Literal["draft", "published", "archived"]


class NewCourse(Body):
    """A draft course."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "title": "Statistics you can use",
                "description": "From a first histogram to a fair comparison.",
                "instructor_id": "0190f5a2-7c1e-7b54-9d0a-3f2b6f1f0c11",
            }
        }
    )

    title: Title
    description: LongText | None = None
    instructor_id: Id
    created_by: Id | None = None
    """None: the instructor."""
    metadata: JsonObject = Field(default_factory=dict)


class CourseChange(Body):
    """What to change; fields left out stay as they are."""

    model_config = ConfigDict(json_schema_extra={"example": {"title": "Statistics you will use"}})

    title: Title | None = None
    description: LongText | None = None
    metadata: JsonObject | None = None


class Course(BaseModel):
    """A course."""

    id: UUID
    institution_id: UUID
    title: str
    description: str | None
    instructor_id: UUID
    created_by: UUID
    status: CourseStatus
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime
