"""What keeps web pages out of Flink's REST port: ``Gate.java``, compiled by the machine's Java."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from contracts.errors import Retryable
from stack.local.installed import Progress, installation, is_installed
from stack.local.java import java
from stack.profile import profile

_NAME = "flink-gate"
_SOURCE = Path(__file__).parent / "Gate.java"
_SERVICE = "org.apache.flink.runtime.io.network.netty.InboundChannelHandlerFactory"


def _recipe(flink: str) -> list[str]:
    return [_SOURCE.read_text(encoding="utf-8"), flink]


def is_there(flink: str) -> bool:
    """Whether it is compiled for this version of Flink."""
    return is_installed(_NAME, _recipe(flink))


def make(flink: str, libraries: Path, progress: Progress) -> None:
    """Compile it against Flink's ``libraries``; raises ``Retryable`` with the compiler's words."""
    with installation(_NAME, _recipe(flink)) as site:
        if site.complete:
            return
        progress("compiling the gate")
        services = site.fresh / "META-INF" / "services"
        services.mkdir(parents=True)
        (services / _SERVICE).write_text("Gate\n")
        # The compiler is in every Java, also where there is no program ``javac``.
        command = [java(), "-m", "jdk.compiler/com.sun.tools.javac.Main", "-d", str(site.fresh)]
        done = subprocess.run(
            [*command, "-cp", os.pathsep.join(map(str, libraries.glob("*.jar"))), str(_SOURCE)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise Retryable(f"the gate cannot be compiled: {(done.stderr or done.stdout)[-500:]}")


def folder() -> Path:
    """What stands on the JobManager's class path."""
    return profile().programs / _NAME
