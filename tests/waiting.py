"""Waiting for what becomes so: poll it until a deadline, then say what was not so."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def until(
    read: Callable[[], T],
    what: str,
    *,
    accepts: Callable[[T], Any] = bool,
    within_s: float = 90.0,
    every_s: float = 0.05,
    ignoring: type[Exception] | tuple[type[Exception], ...] = (),
    process: subprocess.Popen[Any] | None = None,
) -> T:
    """The first value of ``read()`` that ``accepts`` takes, asked for every ``every_s`` seconds.

    ``what`` says what is then so. An exception among ``ignoring`` means not yet. Raises
    ``AssertionError`` with ``what`` and the last value (or exception) after ``within_s`` seconds,
    and as soon as ``process`` has ended.
    """
    deadline = time.monotonic() + within_s
    while True:
        last: T | Exception
        try:
            last = read()
            if accepts(last):
                return last
        except ignoring as error:
            last = error
        if process is not None and process.poll() is not None:
            raise AssertionError(
                f"{process.args!r} ended with {process.returncode}, before: {what}"
            )
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {within_s:g} s: {what}; last was {last!r}")
        time.sleep(every_s)


def until_equal(
    read: Callable[[], T], expected: T, *, within_s: float = 120.0, every_s: float = 0.1
) -> None:
    """``read()`` becomes ``expected`` before the deadline, or their difference is the failure."""
    deadline = time.monotonic() + within_s
    while (last := read()) != expected and time.monotonic() < deadline:
        time.sleep(every_s)
    assert last == expected
