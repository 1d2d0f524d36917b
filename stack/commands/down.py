"""Stop the local stack: everything, or what is named. Data stays."""

from __future__ import annotations

import argparse
import sys

from stack.local import stack
from stack.local.catalogue import named

GROUP = "start"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("component", nargs="*", help="kafka, postgres, redis, flink, lms, relay, …")


def run(args: argparse.Namespace) -> int | None:
    stopped = stack.down(named(args.component))
    if not stopped:
        sys.stdout.write("nothing was running\n")
        return 0
    again = " ".join(["./learnstream up", *args.component])
    sys.stdout.write(f"stopped: {', '.join(stopped)}\nthe data stays; up again with: {again}\n")
    return 0
