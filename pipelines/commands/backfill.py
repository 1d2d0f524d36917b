"""Make the history of features again from the archive, for training.

For training, which joins features as of moments of the past: after a new feature was added, for a
time before the stream ran, or where late events left old rows behind. The online store stays as it
is. Rows go through lms.features; the process `features` writes them.
"""

from __future__ import annotations

import argparse
import sys

from stack.arguments import moment

GROUP = "models"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("views", nargs="*", metavar="VIEW", help="all of them, if none is named")
    parser.add_argument(
        "--since", type=moment, metavar="MOMENT", help="only rows from then on (ISO, in UTC)"
    )
    parser.add_argument(
        "--until", type=moment, metavar="MOMENT", help="only rows before then (ISO, in UTC)"
    )
    parser.add_argument(
        "--every",
        choices=("day", "event"),
        default="day",
        help="a row as of the last event of each day, or as of each event",
    )


def run(args: argparse.Namespace) -> int | None:
    from pipelines.derive.backfill import backfill

    written = backfill(args.views, args.since, args.until, args.every)
    for view, count in written.items():
        sys.stdout.write(f"{view}: {count:,} rows on their way into the history\n")
    return None
