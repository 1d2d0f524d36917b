"""The life of a course."""

from contracts.event import Event, Id, PersonId, Timestamp
from contracts.topics import COURSES


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
