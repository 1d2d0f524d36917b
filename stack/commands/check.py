"""Fail where a generated file is stale or an import breaks the order of packages."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from contracts.errors import Misconfigured
from stack import generated
from stack.profile import REPOSITORY

GROUP = "develop"


def configure(parser: argparse.ArgumentParser) -> None:
    """No options."""


def run(args: argparse.Namespace) -> int:
    changed = generated.differences()
    for path in sorted(changed):
        sys.stderr.write(f"{path.relative_to(REPOSITORY)} is not what its source says\n")
    if changed:
        sys.stderr.write("Look at the change, then run: ./learnstream generate\n")
        return 1
    sys.stdout.write("every generated file is as its source says\n")
    broken = broken_imports()
    if broken:
        sys.stderr.write(f"{broken}\nThe order of packages is in pyproject.toml, importlinter\n")
        return 1
    sys.stdout.write("packages and contexts import only what lies below them\n")
    return 0


def broken_imports() -> str:
    """What import-linter says of imports that go up or sideways; empty where there are none."""
    linter = Path(sys.executable).with_name("lint-imports")
    if not linter.exists():
        raise Misconfigured("import-linter is missing: install requirements-dev.lock")
    found = subprocess.run(
        [linter, "--no-logo", "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True
    )
    return "" if found.returncode == 0 else (found.stdout + found.stderr).strip()
