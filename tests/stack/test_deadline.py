"""A call that does not come back is given up; one that does gives what it gave."""

from __future__ import annotations

import threading

import pytest

from contracts.errors import Rejected, Retryable
from stack.deadline import within


def test_what_comes_in_time_is_passed_on_answer_or_error() -> None:
    def refuse() -> None:
        raise Rejected("no")

    assert within(5, "a call", lambda: None) is None
    assert within(5, "a call", lambda: 3) == 3
    with pytest.raises(Rejected, match="no"):
        within(5, "a call", refuse)


def test_a_call_that_never_returns_is_left_behind_and_named() -> None:
    never = threading.Event()
    with pytest.raises(Retryable, match="a transaction does not end"):
        within(0.05, "a transaction", never.wait)
    never.set()
