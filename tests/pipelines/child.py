"""A process of the pipelines that a test starts, signals and waits for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from stack.profile import REPOSITORY


class Child:
    """``python -m MODULE``; it can be started again when it has ended."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", self._module],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.DEVNULL,
        )

    def end(self, number: signal.Signals) -> int:
        """Send the signal and wait 30 s at most; returns the exit status."""
        assert self._child is not None
        self._child.send_signal(number)
        return self._child.wait(30)
