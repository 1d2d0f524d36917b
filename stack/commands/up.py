"""Bring the local stack up: all parts, or the named ones (groups: flink, servers)."""

from __future__ import annotations

import argparse
import sys

from stack.local import stack
from stack.local.catalogue import named


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("part", nargs="*", help="kafka, postgres, redis, flink, lms, relay, …")


def run(args: argparse.Namespace) -> int | None:
    parts = named(args.part)
    started = stack.up(parts)
    sys.stdout.write(
        f"{len(parts)} parts are up"
        + (f", started now: {', '.join(started)}\n" if started else "; nothing had to be started\n")
    )
    return 0
