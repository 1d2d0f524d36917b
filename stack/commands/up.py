"""Bring the local stack up: everything, or what is named."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from signal import SIGHUP, SIGTERM

from stack.local import stack
from stack.local.catalogue import named

GROUP = "start"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("component", nargs="*", help="kafka, postgres, redis, flink, lms, relay, …")


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM and a closed terminal end ``up`` as Ctrl-C does: nothing half-started stays."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (SIGTERM, SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(args: argparse.Namespace) -> int | None:
    components = named(args.component)
    with _interruptible():
        started = stack.up(components)
    sys.stdout.write(
        f"{len(components)} {'component is' if len(components) == 1 else 'components are'} up"
        + (f", started now: {', '.join(started)}\n" if started else "; nothing had to be started\n")
    )
    return 0
