"""Run every check: ruff, mypy, generated files, then pytest on the real servers.

`--fast` runs the tests that need no servers, `--coverage` the same and measures which lines they
reach, in about twice the time; `--servers` also those on real servers without Flink. Two lanes
test at once, each on servers of its own; `--lanes 1` tests one thing after the other. Further
words go to pytest, in one lane by default: `learnstream test -- tests/serving -x`.
LMS_LOCAL_NAME and LMS_LOCAL_PORT_OFFSET, where they are set, say which folder and ports the tests
take: so two suites run beside each other.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from contracts.errors import Misconfigured
from stack.profile import REPOSITORY, profile
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

FAST = "not integration and not slow and not e2e and not soak"
SERVERS = "not flink and not e2e and not soak"
REST = "integration or slow or e2e"
"""Marks: ``tests/tiers.py`` says who bears them."""


def configure(parser: argparse.ArgumentParser) -> None:
    tier = parser.add_mutually_exclusive_group()
    tier.add_argument("--fast", action="store_true", help="only what needs no servers")
    tier.add_argument("--coverage", action="store_true", help="the same, and the lines they reach")
    tier.add_argument("--servers", action="store_true", help="only what needs no Flink")
    parser.add_argument("--lanes", type=int, help=f"default {LANES}, or 1 with words for pytest")
    parser.add_argument("pytest", nargs="*", help="paths or options for pytest, after --")


def run(args: argparse.Namespace) -> int:
    if not (args.fast or args.coverage):
        _need_chromium()
    own = {name: os.environ.get(name, value) for name, value in (TEST_PROFILE | SMALL).items()}
    _need_no_demo(own["LMS_LOCAL_NAME"])
    python = sys.executable
    steps: list[tuple[str, Sequence[str]]] = [
        ("style", (python, "-m", "ruff", "check", ".")),
        ("format", (python, "-m", "ruff", "format", "--check", ".")),
        ("types", (python, "-m", "mypy")),
        ("generated files", (python, "-m", "stack.cli", "check")),
        *((name, (python, *words)) for name, words in _tests(args)),
    ]
    took: dict[str, float] = {}
    failed = []
    with tempfile.TemporaryDirectory(prefix="coverage-") as folder:
        for name, command in steps:
            began = time.monotonic()
            tests = name.startswith("tests")
            measured = _measuring(Path(folder)) if args.coverage and tests else {}
            if not passes(name, command, own | measured):
                failed.append(name)
            if measured:
                _print_coverage(measured)
            took[name] = time.monotonic() - began
    each = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in took.items())
    sys.stdout.write(f"── all in {sum(took.values()):.0f} s: {each}\n")
    if failed:
        sys.stderr.write(f"learnstream test: failed: {', '.join(failed)}\n")
        return 1
    return 0


def _tests(args: argparse.Namespace) -> list[tuple[str, list[str]]]:
    """The steps that are pytest, with what follows ``python``; cheap ones first."""
    lanes = args.lanes or (1 if args.pytest else LANES)
    words = ["-m", "pytest", "-q", *(["-n", str(lanes)] if lanes > 1 else [])]
    fast = args.fast or args.coverage
    if args.pytest:
        tier = FAST if fast else SERVERS if args.servers else None
        return [("tests", [*words, *(["-m", tier] if tier else []), *args.pytest])]
    if not (fast or args.servers):  # at once: each step imports everything again
        return [("tests", [*words, "-m", "not soak", "tests"])]
    found = [("tests without servers", [*words, "-m", FAST, "tests"])]
    if args.servers:
        found.append(("tests with servers", [*words, "-m", f"{SERVERS} and ({REST})", "tests"]))
    return found


def _measuring(folder: Path) -> dict[str, str]:
    """What makes ``tests/conftest.py`` measure coverage."""
    return {
        "COVERAGE_PROCESS_START": str(REPOSITORY / "pyproject.toml"),
        "COVERAGE_FILE": str(folder / "data"),
    }


def _print_coverage(measured: Mapping[str, str]) -> None:
    """The share of the lines of each package that ran, in percent."""
    report = Path(measured["COVERAGE_FILE"]).with_name("report.json")
    for words in (("combine", "-q"), ("json", "-q", "-o", str(report))):
        done = subprocess.run(
            [sys.executable, "-m", "coverage", *words],
            cwd=REPOSITORY,
            env={**os.environ, **measured},
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            sys.stdout.write("── coverage: nothing was measured\n")
            return
    lines: dict[str, int] = defaultdict(int)
    ran: dict[str, int] = defaultdict(int)
    for path, found in json.loads(report.read_text(encoding="utf-8"))["files"].items():
        for package in (Path(path).parts[0], "all"):
            lines[package] += found["summary"]["num_statements"]
            ran[package] += found["summary"]["covered_lines"]
    names = [*sorted(lines.keys() - {"all"}), "all"]
    each = ", ".join(f"{name} {100 * ran[name] // lines[name]} %" for name in names)
    sys.stdout.write(f"── coverage by tests without servers: {each}\n")
    sys.stdout.flush()


def _need_no_demo(name: str) -> None:
    """The tests begin with empty servers: they must not empty a demo's."""
    chosen = profile().model_copy(update={"name": name})
    if chosen.demo_mark.exists():
        raise Misconfigured(
            f"LMS_LOCAL_NAME={name} is the profile of a demo, which the tests would remove: "
            "unset it, or choose another name"
        )


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
