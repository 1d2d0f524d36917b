"""Run every check: ruff, mypy, generated files, then pytest on real servers.

Two lanes test at once, each on real parts of its own; `--lanes 1` tests one thing after the
other. `--fast` runs what needs no servers; further words go to pytest, in one lane unless told
otherwise: `learnstream test -- tests/serving -x`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

from contracts.errors import Misconfigured
from stack.steps import passes

GROUP = "develop"
TEST_PROFILE = {"LMS_LOCAL_NAME": "test", "LMS_LOCAL_PORT_OFFSET": "1000"}
"""Own folder and own ports: the tests run beside a demo that is up."""
SMALL = {
    # A JVM lives for minutes here: with the better compiler it spends them compiling.
    "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1",
    "LMS_LOCAL_TASK_MANAGER_MEMORY_MB": "2048",
}
"""What makes two lanes fit into two cores."""
LANES = 2
"""Of all tests. Each has Kafka, PostgreSQL and Redis, one of them Flink, one the whole product."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fast", action="store_true", help="only what needs no servers")
    parser.add_argument("--lanes", type=int, help=f"default {LANES} for all tests, else 1")
    parser.add_argument("pytest", nargs="*", help="paths or options for pytest, after --")


def run(args: argparse.Namespace) -> int:
    if not args.fast:
        _need_chromium()
    python = sys.executable
    steps: list[tuple[str, Sequence[str]]] = [
        ("style", (python, "-m", "ruff", "check", ".")),
        ("format", (python, "-m", "ruff", "format", "--check", ".")),
        ("types", (python, "-m", "mypy")),
        ("generated files", (python, "-m", "stack.cli", "check")),
    ]
    chosen = args.pytest or ["tests"]
    marks = ["-m", "not integration and not e2e and not soak"] if args.fast else []
    lanes = args.lanes or (1 if args.pytest else LANES)
    if lanes > 1:
        marks += ["-n", str(lanes)]
    steps.append(("tests", (python, "-m", "pytest", "-q", *marks, *chosen)))
    own = TEST_PROFILE | SMALL
    failed = [name for name, command in steps if not passes(name, command, own)]
    if failed:
        sys.stderr.write(f"learnstream test: failed: {', '.join(failed)}\n")
        return 1
    return 0


def _need_chromium() -> None:
    """The pages are tested in a real browser, which Debian has as a package."""
    if shutil.which("chromium"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Misconfigured("Chromium is missing: type `sudo apt-get install chromium`")
    sys.stdout.write("── installing Chromium with apt-get, for the tests of the pages\n")
    sys.stdout.flush()
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        done = subprocess.run(
            ["apt-get", "-q", *arguments],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Misconfigured(f"apt-get cannot {arguments[0]}: {done.stderr.strip()[-400:]}")
