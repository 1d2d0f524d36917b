"""A learner in a course, from enrolling to completing or dropping."""

from contracts.event import Count, Event, Id, Percent, PersonId
from contracts.topics import ENROLLMENTS


class EnrollmentCreated(Event, type="enrollment.created", topic=ENROLLMENTS, key="user_id"):
    """A learner enrolled."""

    enrollment_id: Id
    user_id: PersonId
    course_id: Id


class EnrollmentProgressed(Event, type="enrollment.progressed", topic=ENROLLMENTS, key="user_id"):
    """The share of completed items changed."""

    enrollment_id: Id
    user_id: PersonId
    course_id: Id
    progress: Percent


class EnrollmentDropped(Event, type="enrollment.dropped", topic=ENROLLMENTS, key="user_id"):
    """A learner left before completing."""

    enrollment_id: Id
    user_id: PersonId
    course_id: Id


class CourseCompleted(Event, type="course.completed", topic=ENROLLMENTS, key="user_id"):
    """A learner completed a course."""

    enrollment_id: Id
    user_id: PersonId
    course_id: Id
    completion_percentage: Percent
    certification_issued: bool
    time_spent_minutes: Count | None = None


class EnrollmentWaitlisted(Event, type="enrollment.waitlisted", topic=ENROLLMENTS, key="user_id"):
    """A course was full: the learner waits, for what will be enrollment ``enrollment_id``."""

    enrollment_id: Id
    user_id: PersonId
    course_id: Id


class WaitlistLeft(Event, type="enrollment.waitlist.left", topic=ENROLLMENTS, key="user_id"):
    """A learner no longer waits, and got no seat."""

    enrollment_id: Id
    user_id: PersonId
    course_id: Id


class EnrollmentInvited(Event, type="enrollment.invited", topic=ENROLLMENTS, key="user_id"):
    """Somebody was asked into a course, for what will be enrollment ``enrollment_id``."""

    enrollment_id: Id
    user_id: PersonId
    course_id: Id
    invited_by: PersonId | None = None


class InvitationDeclined(
    Event, type="enrollment.invitation.declined", topic=ENROLLMENTS, key="user_id"
):
    """Somebody does not want to be in the course they were asked into."""

    enrollment_id: Id
    user_id: PersonId
    course_id: Id


class InvitationWithdrawn(
    Event, type="enrollment.invitation.withdrawn", topic=ENROLLMENTS, key="user_id"
):
    """An invitation was taken back before it was answered."""

    enrollment_id: Id
    user_id: PersonId
    course_id: Id
