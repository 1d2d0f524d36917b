"""The Open University Learning Analytics Dataset: a folder or zip of CSVs, or Parquet."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from contracts.errors import Misconfigured
from contracts.ids import DEFAULT_INSTITUTION


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, help="folder with the seven files, or a zip of them")
    when = parser.add_mutually_exclusive_group()
    when.add_argument(
        "--until", type=_date, metavar="DATE", help="only what happened before this date"
    )
    when.add_argument(
        "--hold-back-days",
        type=int,
        metavar="N",
        help="leave the last N days to learnstream replay",
    )
    parser.add_argument(
        "--notify",
        action="store_true",
        help="notify people and webhooks of these past events, certificates included",
    )
    parser.add_argument(
        "--institution", default=DEFAULT_INSTITUTION, metavar="UUID", help="whose learners they are"
    )


def run(args: argparse.Namespace) -> int:
    from imports.oulad.service import import_oulad  # DuckDB: only when it is needed

    done = import_oulad(
        args.path,
        args.institution,
        until=args.until,
        hold_back_days=args.hold_back_days,
        notify=args.notify,
    )
    if done.nothing_new:
        sys.stdout.write(f"nothing to do: {done.nothing_new}\n")
        return 0
    rows = ", ".join(f"{count:,} {table}" for table, count in done.rows.items())
    seconds = done.seconds["publish"]
    sys.stdout.write(
        f"loaded into the LMS: {rows}\n"
        f"published: {done.published:,} events in {seconds:.1f} s "
        f"({done.published / max(seconds, 0.001):,.0f} per second)\n"
    )
    for event_type, count in (done.run.events or {}).items():
        sys.stdout.write(f"  {event_type:<24}{count:>12,}\n")
    if done.run.until_on:
        sys.stdout.write(f"held back from {done.run.until_on} on: learnstream replay brings it\n")
    return 0


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Misconfigured(f"--until {text}: write a date like 2014-09-20") from None
