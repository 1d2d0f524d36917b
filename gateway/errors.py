"""What the LMS refuses, by what the caller can do about it; HTTP codes are in ``problems``."""

from __future__ import annotations

from contracts.errors import Rejected


class NotFound(Rejected):
    """There is no such thing in this institution."""


class Conflict(Rejected):
    """The thing is in a state that forbids this."""


class KeyReused(Rejected):
    """The idempotency key belongs to a different request."""


class Malformed(Rejected):
    """The request cannot be read: not JSON, not UTF-8."""


class UnsupportedMedia(Rejected):
    """The body is of a type or encoding we do not read."""


class TooLarge(Rejected):
    """The body is longer than the limit."""


class RangeNotSatisfiable(Rejected):
    """The part of a file that was asked for is not there."""


class PreconditionMissing(Rejected):
    """An update that does not name the version it changes."""


class ChangedMeanwhile(Rejected):
    """Somebody changed the thing since the caller read it."""


class TooManyRequests(Rejected):
    """The caller's allowance is used up for the moment."""


class Unauthenticated(Rejected):
    """The credentials are missing where they are needed, wrong, or have expired."""


class Forbidden(Rejected):
    """The policies do not let this caller do that."""


class PaymentRequired(Rejected):
    """The thing costs something that was not paid."""
