"""Java classes on Flink's class path, compiled by the machine's Java; each says what it is for."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from contracts.errors import Retryable
from stack.local.installed import Progress, installation, is_installed
from stack.local.java import java
from stack.profile import profile

_NAME = "flink-classes"
_SOURCES = sorted(Path(__file__).parent.glob("*.java"))
_SERVICE = "org.apache.flink.runtime.io.network.netty.InboundChannelHandlerFactory"


def _recipe(flink: str) -> list[str]:
    return [*(source.read_text(encoding="utf-8") for source in _SOURCES), flink]


def are_there(flink: str) -> bool:
    """Whether they are compiled for this version of Flink."""
    return is_installed(_NAME, _recipe(flink))


def make(flink: str, libraries: Sequence[Path], progress: Progress) -> None:
    """Compile them against the jars in ``libraries``; raises ``Retryable`` with the compiler's
    words."""
    with installation(_NAME, _recipe(flink)) as site:
        if site.complete:
            return
        progress("compiling classes")
        services = site.fresh / "META-INF" / "services"
        services.mkdir(parents=True)
        (services / _SERVICE).write_text("Gate\n")
        # The compiler is in every Java, also where there is no program ``javac``.
        path = os.pathsep.join(str(jar) for folder in libraries for jar in folder.glob("*.jar"))
        command = [java(), "-m", "jdk.compiler/com.sun.tools.javac.Main", "-d", str(site.fresh)]
        done = subprocess.run(
            [*command, "-cp", path, *map(str, _SOURCES)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            said = done.stderr or done.stdout
            raise Retryable(f"the classes for Flink cannot be compiled: {said[-500:]}")


def folder() -> Path:
    """What stands on the class path."""
    return profile().programs / _NAME
