"""Courses as they cross HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, computed_field

from contracts.event import Id, Timestamp
from gateway.text import Body, JsonObject, LongText, Text, Title, at_most, example

CourseStatus = Literal["draft", "published", "archived"]

Metadata = Annotated[JsonObject, at_most(16 * 1024)]
Tag = Annotated[Text, Field(min_length=1, max_length=40, pattern=r"^\S(.*\S)?$")]
Tags = Annotated[list[Tag], Field(max_length=20)]
Capacity = Annotated[int, Field(ge=1, le=1_000_000)]

_ID = "0190f5a2-7c1e-7b54-9d0a-3f2b6f1f0c11"


class NewCourse(Body):
    """A draft course."""

    model_config = example(
        title="Statistics you can use",
        description="From a first histogram to a fair comparison.",
        instructor_id=_ID,
        tags=["statistics", "data"],
        capacity=30,
        starts_at="2026-02-17T08:00:00Z",
        ends_at="2026-06-30T22:00:00Z",
    )

    title: Title
    description: LongText | None = None
    instructor_id: Id
    created_by: Id | None = None
    """None: the instructor."""
    metadata: Metadata = Field(default_factory=dict)
    tags: Tags | None = None
    """What it is found by; kept as ``metadata.tags``."""
    capacity: Capacity | None = None
    """Seats; none: as many as come. Who comes to a full course waits."""
    starts_at: Timestamp | None = None
    ends_at: Timestamp | None = None
    """Nobody enrolls after it."""


class CourseChange(Body):
    """What to change; fields left out stay as they are, null empties what may be empty."""

    model_config = example(title="Statistics you will use")

    title: Title | None = None
    description: LongText | None = None
    instructor_id: Id | None = None
    metadata: Metadata | None = None
    tags: Tags | None = None
    capacity: Capacity | None = None
    starts_at: Timestamp | None = None
    ends_at: Timestamp | None = None


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
    capacity: int | None
    starts_at: datetime | None
    ends_at: datetime | None
    published_at: datetime | None
    copied_from: UUID | None
    created_at: datetime
    updated_at: datetime

    @computed_field  # type: ignore[prop-decorator]
    @property
    def tags(self) -> list[str]:
        """What it is found by: ``metadata.tags``."""
        tags = self.metadata.get("tags")
        return [str(tag) for tag in tags] if isinstance(tags, list) else []


class Readiness(BaseModel):
    """Whether a course can be published, and what is missing."""

    course_id: UUID
    ready: bool
    missing: list[str]


class Prerequisites(Body):
    """The courses to complete before this one: all of them, in place of those before."""

    model_config = example(course_ids=[_ID])

    course_ids: Annotated[list[Id], Field(max_length=20)]


class PrerequisitesOf(BaseModel):
    """The courses to complete before one enrolls."""

    course_id: UUID
    course_ids: list[UUID]


class NewInstructor(Body):
    """Somebody of the staff who also teaches the course of the path."""

    model_config = example(user_id=_ID)

    user_id: Id


class Instructor(BaseModel):
    """Who teaches a course; ``first`` is the one named by the course itself."""

    user_id: UUID
    first: bool
    since: datetime


class Instructors(BaseModel):
    """Everybody who teaches a course."""

    course_id: UUID
    items: list[Instructor]


class NewCopy(Body):
    """The next run of a course: its structure as a new draft, dates moved with ``starts_at``."""

    model_config = example(title="Statistics, autumn", starts_at="2026-09-01T08:00:00Z")

    title: Title | None = None
    """None: as it was."""
    instructor_id: Id | None = None
    """None: as it was."""
    starts_at: Timestamp | None = None
    """All dates move by as much as the start does. None: dates stay as they are."""


class NewModule(Body):
    """A chapter of the course in the path."""

    model_config = example(title="Week 1", opens_at="2026-02-17T08:00:00Z")

    title: Title
    description: LongText | None = None
    opens_at: Timestamp | None = None
    """Learners cannot use its items before."""


class ModuleChange(Body):
    """What to change; fields left out stay as they are."""

    model_config = example(title="Week one")

    title: Title | None = None
    description: LongText | None = None
    opens_at: Timestamp | None = None


class Module(BaseModel):
    """A chapter of a course."""

    id: UUID
    institution_id: UUID
    course_id: UUID
    title: str
    description: str | None
    position: int
    opens_at: datetime | None
    archived_at: datetime | None
    created_at: datetime
    updated_at: datetime


class OutlineItem(BaseModel):
    """An item in the outline."""

    id: UUID
    kind: str
    title: str
    required: bool


class OutlineModule(BaseModel):
    """A module in the outline with its items in order."""

    id: UUID
    title: str
    opens_at: datetime | None
    items: list[OutlineItem]


class Outline(BaseModel):
    """A course's items in their order: those of no module first."""

    course_id: UUID
    items: list[OutlineItem]
    modules: list[OutlineModule]


class ModuleOrder(Body):
    """A module and its items, in order."""

    id: Id
    items: list[Id] = Field(default_factory=list)


class OutlineOrder(Body):
    """The whole order at once: every module and every item of the course, each once."""

    model_config = example(items=[], modules=[{"id": _ID, "items": [_ID]}])

    items: Annotated[list[Id], Field(max_length=2000)] = Field(default_factory=list)
    modules: Annotated[list[ModuleOrder], Field(max_length=500)] = Field(default_factory=list)


class NewCohort(Body):
    """A group that takes the course of the path together."""

    model_config = example(
        name="Evening group", starts_at="2026-02-17T18:00:00Z", ends_at="2026-06-30T20:00:00Z"
    )

    name: Annotated[Text, Field(min_length=1, max_length=255, pattern=r"\S")]
    starts_at: Timestamp | None = None
    ends_at: Timestamp | None = None
    """Nobody joins after it."""


class CohortChange(Body):
    """What to change; fields left out stay as they are."""

    model_config = example(name="Late group")

    name: Annotated[Text, Field(min_length=1, max_length=255, pattern=r"\S")] | None = None
    starts_at: Timestamp | None = None
    ends_at: Timestamp | None = None


class Cohort(BaseModel):
    """A group of learners of one course."""

    id: UUID
    institution_id: UUID
    course_id: UUID
    name: str
    starts_at: datetime | None
    ends_at: datetime | None
    created_at: datetime
    updated_at: datetime


class NewMember(Body):
    """A learner who is in the course joins the group, and leaves another of the same course."""

    model_config = example(user_id=_ID)

    user_id: Id


class Member(BaseModel):
    """A learner in a group."""

    cohort_id: UUID
    user_id: UUID
    joined_at: datetime
