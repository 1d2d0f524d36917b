"""The machine's own Java, 17 or newer."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from contracts.errors import Misconfigured


def java() -> str:
    """The path of the ``java`` program: ``JAVA_HOME``'s, else the one on ``PATH``."""
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "java").is_file():
        return str(Path(home) / "bin" / "java")
    found = shutil.which("java")
    if found is None:
        raise Misconfigured("Java is missing: type `apt-get install openjdk-17-jre-headless`")
    return found
