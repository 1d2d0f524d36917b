"""Calls into a client library that may never come back: given up after so long.

librdkafka can wait for ever for a transaction's coordinator that was killed, whatever timeout the
call is given, and nothing can interrupt it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from contracts.errors import Retryable

T = TypeVar("T")


def within(seconds: float, what: str, call: Callable[[], T]) -> T:
    """What ``call`` returns or raises; ``Retryable`` naming ``what`` where it does neither in time.

    Then its thread is left behind with what it holds: give up that client and make another.
    """
    answers: list[T] = []
    errors: list[BaseException] = []

    def attempt() -> None:
        try:
            answers.append(call())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=attempt, name=what, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise Retryable(f"{what} does not end within {seconds:.0f} s")
    return answers[0]
