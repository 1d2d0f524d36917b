"""A step of the checks: a command that runs in a profile of its own, reported with its time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from stack.profile import REPOSITORY


def passes(name: str, command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Run ``command`` from the repository with ``environment`` besides ours; whether it was 0."""
    started = time.monotonic()
    sys.stdout.write(f"── {name}\n")
    sys.stdout.flush()
    status = subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**os.environ, **environment, "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.DEVNULL,
        check=False,
    ).returncode
    sys.stdout.write(f"── {name}: {'ok' if status == 0 else 'FAILED'} ")
    sys.stdout.write(f"({time.monotonic() - started:.0f} s)\n")
    sys.stdout.flush()
    return status == 0
