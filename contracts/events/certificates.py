"""Certificates of completed courses: issued, and taken back."""

from contracts.event import Event, Id, PersonId
from contracts.topics import ENROLLMENTS


class CertificateIssued(Event, type="certificate.issued", topic=ENROLLMENTS, key="user_id"):
    """A learner has a certificate for a completed course; its public code stays in the LMS."""

    certificate_id: Id
    enrollment_id: Id
    user_id: PersonId
    course_id: Id
    replaces_id: Id | None = None


class CertificateRevoked(Event, type="certificate.revoked", topic=ENROLLMENTS, key="user_id"):
    """A certificate no longer counts; the reason stays in the LMS. None revoked it: a consumer."""

    certificate_id: Id
    enrollment_id: Id
    user_id: PersonId
    course_id: Id
    revoked_by: PersonId | None = None
