"""Fail where a generated file is not what its source says."""

from __future__ import annotations

import argparse
import sys

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
    return 0
