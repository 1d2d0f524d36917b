"""Answers that a process remembers: bounded in number, and in time where they may change."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Remembered(Generic[Key, Value]):
    """At most ``most`` values by key, each for ``kept_s`` seconds; past that the oldest goes."""

    def __init__(
        self, most: int, kept_s: float = math.inf, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._kept_s, self._clock = most, kept_s, clock
        self._values: OrderedDict[Key, tuple[float, Value]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """The value, or None where there is none that still counts."""
        until, value = self._values.get(key, (-math.inf, None))
        return value if self._clock() < until else None

    def put(self, key: Key, value: Value) -> None:
        """Remember it from now on; the oldest goes where there are too many."""
        self._values[key] = self._clock() + self._kept_s, value
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)

    def forget(self, key: Key) -> None:
        self._values.pop(key, None)

    def items(self) -> Iterator[tuple[Key, Value]]:
        """Everything that is remembered, oldest first."""
        return ((key, value) for key, (_, value) in self._values.items())
