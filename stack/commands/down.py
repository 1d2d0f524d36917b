"""Stop the local stack: all parts, or the named ones; data stays."""

from __future__ import annotations

import argparse
import sys

from stack.local import stack
from stack.local.catalogue import named


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("part", nargs="*", help="kafka, postgres, redis, flink, lms, relay, …")


def run(args: argparse.Namespace) -> int | None:
    stopped = stack.down(named(args.part))
    sys.stdout.write(f"stopped: {', '.join(stopped)}\n" if stopped else "nothing was running\n")
    return 0
