"""One name per request: in its answer, in problem documents, in logs and in calls it causes."""

from __future__ import annotations

import re
from contextvars import ContextVar

from contracts.ids import new_id

HEADER = "X-Request-Id"

_valid = re.compile(r"[A-Za-z0-9._-]{8,128}").fullmatch
_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def begin(given: bytes | None) -> str:
    """The caller's own id where it is one (8 to 128 letters, digits, ``.``, ``_``, ``-``), else a
    new one; holds for the current task.
    """
    text = None if given is None else given.decode("latin-1")
    found = text if text is not None and _valid(text) else new_id()
    _current.set(found)
    return found


def current() -> str | None:
    """The id of the request that is being answered; None outside of one."""
    return _current.get()


def passed_on() -> dict[str, str]:
    """Headers for a request to another process of ours."""
    found = _current.get()
    return {} if found is None else {HEADER: found}
