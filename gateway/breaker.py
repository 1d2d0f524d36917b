"""A server that was away is left alone for a moment, so that requests do not each wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable


class Breaker:
    """``open`` from a failure until ``retry_after_s`` later."""

    def __init__(self, retry_after_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._retry_after_s, self._clock = retry_after_s, clock
        self._until = float("-inf")

    @property
    def open(self) -> bool:
        """Whether the server is left alone now."""
        return self._clock() < self._until

    def failed(self) -> None:
        """Leave it alone from now on, for ``retry_after_s``."""
        self._until = self._clock() + self._retry_after_s
