"""Make the history of features again from the archive: backfill [VIEW…] [--since MOMENT].

For training, which joins features as of moments of the past: after a new feature was added, for a
time before the stream ran, or where late events left old rows behind. The online store stays as it
is. Rows go through lms.features; the process `features` writes them.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

from contracts.errors import Rejected


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("views", nargs="*", metavar="VIEW", help="all of them, if none is named")
    parser.add_argument("--since", metavar="MOMENT", help="only rows from then on (ISO, in UTC)")
    parser.add_argument("--until", metavar="MOMENT", help="only rows before then (ISO, in UTC)")
    parser.add_argument(
        "--every",
        choices=("day", "event"),
        default="day",
        help="a row as of the last event of each day, or as of each event",
    )


def run(args: argparse.Namespace) -> int | None:
    from pipelines.derive.backfill import backfill

    published = backfill(args.views, _moment(args.since), _moment(args.until), args.every)
    for view, count in published.items():
        sys.stdout.write(f"{view}: {count:,} rows on their way into the history\n")
    return None


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Rejected(
            f"a moment is like 2026-02-17 or 2026-02-17T14:30, in UTC; not {text!r}"
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
