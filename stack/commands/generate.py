"""Write every generated file."""

from __future__ import annotations

import argparse
import sys

from stack import generated
from stack.profile import REPOSITORY

GROUP = "develop"


def configure(parser: argparse.ArgumentParser) -> None:
    """No options."""


def run(args: argparse.Namespace) -> int:
    written = generated.write()
    for path in written:
        sys.stdout.write(f"wrote {path.relative_to(REPOSITORY)}\n")
    if not written:
        sys.stdout.write("nothing to write: every generated file is as its source says\n")
    return 0
