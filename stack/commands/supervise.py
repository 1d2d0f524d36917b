"""Restart what dies (started by `up`, ended by `down`)."""

from __future__ import annotations

import argparse
import sys

from stack.local import lifecycle
from stack.local.stack import SUPERVISOR
from stack.local.supervisor import Supervisor

GROUP = "internal"


def configure(parser: argparse.ArgumentParser) -> None:
    return


def run(args: argparse.Namespace) -> int | None:
    with lifecycle.lock(SUPERVISOR, wait=False) as free:
        if not free:
            sys.stderr.write("a supervisor is already watching this profile\n")
            return 1
        Supervisor().run()
    return 0
