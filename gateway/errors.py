"""What our HTTP processes refuse, by what the caller can do about it (codes: ``problems``)."""

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


class HeadersTooLarge(Rejected):
    """The request has too many headers, or too long ones."""


class Misdirected(Rejected):
    """The request names a host for which this process does not answer."""


class Relayed(Rejected):
    """Another process of ours refused; the fact ``status`` is what it answered (400 to 499)."""


class RangeNotSatisfiable(Rejected):
    """The range of a file that was asked for is not there."""


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
