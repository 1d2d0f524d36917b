"""The life of a course, and what it is made of."""

from typing import Annotated, Literal

from pydantic import Field

from contracts.event import Count, Event, Id, Kind, PersonId, ShortText, Timestamp
from contracts.topics import COURSES

Title = Annotated[str, Field(max_length=500)]
Revision = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""Counts the descriptions of one thing: the one with the greatest holds."""

State = Literal["active", "archived"]
Points = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]


class CourseCreated(Event, type="course.created", topic=COURSES, key="course_id"):
    """A draft course exists."""

    course_id: Id
    instructor_id: PersonId


class CourseUpdated(Event, type="course.updated", topic=COURSES, key="course_id"):
    """Title, description, metadata or items of a course changed."""

    course_id: Id


class CoursePublished(Event, type="course.published", topic=COURSES, key="course_id"):
    """Learners can enroll."""

    course_id: Id


class CourseArchived(Event, type="course.archived", topic=COURSES, key="course_id"):
    """The course is closed; its history stays."""

    course_id: Id


class CourseUnpublished(Event, type="course.unpublished", topic=COURSES, key="course_id"):
    """A published course in which nobody had enrolled is a draft again."""

    course_id: Id


class CourseCopied(Event, type="course.copied", topic=COURSES, key="course_id"):
    """The new draft has the structure of another course."""

    course_id: Id
    copied_from: Id


class CohortCreated(Event, type="cohort.created", topic=COURSES, key="course_id"):
    """Learners can take the course together in this group."""

    course_id: Id
    cohort_id: Id
    starts_at: Timestamp | None = None
    ends_at: Timestamp | None = None


class CohortUpdated(Event, type="cohort.updated", topic=COURSES, key="course_id"):
    """Name or dates of a group changed."""

    course_id: Id
    cohort_id: Id
    starts_at: Timestamp | None = None
    ends_at: Timestamp | None = None


class CohortJoined(Event, type="cohort.joined", topic=COURSES, key="course_id"):
    """A learner is in a group now, and in no other of this course."""

    course_id: Id
    cohort_id: Id
    user_id: PersonId


class CohortLeft(Event, type="cohort.left", topic=COURSES, key="course_id"):
    """A learner is no longer in a group."""

    course_id: Id
    cohort_id: Id
    user_id: PersonId


class CourseDescribed(Event, type="course.described", topic=COURSES, key="course_id"):
    """What a course is from now on."""

    course_id: Id
    revision: Revision
    title: Title
    status: Literal["draft", "published", "archived"]
    language: ShortText | None = None
    """As the course's metadata says: a tag such as ``en`` or ``de-AT``."""
    starts_at: Timestamp | None = None
    ends_at: Timestamp | None = None


class ModuleDescribed(Event, type="module.described", topic=COURSES, key="course_id"):
    """What a module of a course is from now on."""

    course_id: Id
    module_id: Id
    revision: Revision
    title: Title
    status: State
    position: Count
    """Among the modules of its course, from 0."""


class ItemDescribed(Event, type="item.described", topic=COURSES, key="course_id"):
    """What an item of a course is from now on."""

    course_id: Id
    item_id: Id
    revision: Revision
    title: Title
    status: State
    kind: Kind
    position: Count
    """Among the items of its course, from 0."""
    module_id: Id | None = None
    required: bool


class AssessmentDescribed(Event, type="assessment.described", topic=COURSES, key="course_id"):
    """What work is called from now on; its rules are with ``assessment.updated``."""

    course_id: Id
    assessment_id: Id
    revision: Revision
    title: Title
    status: State
    kind: Kind
    position: Count
    """Among the work of its course by due date, from 0."""


class QuestionDescribed(Event, type="question.described", topic=COURSES, key="course_id"):
    """What a question asks from now on; its title is how its prompt begins."""

    course_id: Id
    question_id: Id
    revision: Revision
    title: Title
    status: State
    kind: Kind
    position: Count
    """Among the questions of its course by age, from 0."""
    max_points: Points
