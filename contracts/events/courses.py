"""The life of a course."""

from contracts.event import Event, Id, PersonId
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
