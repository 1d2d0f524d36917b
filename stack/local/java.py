"""The machine's own Java, 17 or newer."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from contracts.errors import Misconfigured

COMPILE_LATER = "-XX:CompileThresholdScaling=5"
"""The compilers take up what runs five times as often as by default: what a process does to each
message, not what it did once to begin. Starting Kafka costs three quarters of the CPU time, and a
replay's first seconds in Flink are not shared with the compiler."""


def java() -> str:
    """The path of the ``java`` program: ``JAVA_HOME``'s, else the one on ``PATH``."""
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "java").is_file():
        return str(Path(home) / "bin" / "java")
    found = shutil.which("java")
    if found is None:
        raise Misconfigured("Java is missing: type `apt-get install openjdk-17-jre-headless`")
    return found
