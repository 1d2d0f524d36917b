"""Dies on purpose at a named step, so that tests can kill a process exactly there."""

from __future__ import annotations

import os
import signal
from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Failpoint:
    """``variable`` in the environment holds ``step`` or ``step:n``: SIGKILL to ourselves when that
    step is reached for the n-th time.
    """

    variable: str
    steps: tuple[str, ...]
    _counts: Counter[str] = field(default_factory=Counter)

    def reached(self, step: str) -> None:
        wanted, _, nth = os.environ.get(self.variable, "").partition(":")
        if wanted == step:
            self._counts[step] += 1
            if self._counts[step] >= int(nth or 1):
                os.kill(os.getpid(), signal.SIGKILL)
