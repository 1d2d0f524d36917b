"""Compare sources, LMS, Kafka and TimescaleDB; print the first difference."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from stack.arguments import identifier

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.verify.reconcile import Report

GROUP = "pipelines"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument(
        "--wait",
        type=float,
        default=0.0,
        metavar="S",
        help="compare again for up to S seconds while the pipeline catches up",
    )
    parser.add_argument(
        "--settled",
        action="store_true",
        help="compare nothing: say what is on its way, with --wait until nothing is (seconds)",
    )
    parser.add_argument(
        "--institution",
        type=identifier,
        metavar="UUID",
        help="only what belongs to this institution",
    )
    parser.add_argument(
        "--repeats",
        action="store_true",
        help="producers may send an event twice: only compare what is made of them",
    )


def run(args: argparse.Namespace) -> int:
    from rich.console import Console

    from pipelines.verify.reconcile import verify

    console = Console(stderr=True)
    if args.settled:
        return _settled(args, console)
    with console.status("verifying") as status:
        report = verify(args.wait, status.update, args.institution, args.repeats)
    if args.json:
        sys.stdout.write(json.dumps(_facts(report), default=str) + "\n")
    else:
        _print(report)
    return 0 if report.equal else 1


def _settled(args: argparse.Namespace, console: Console) -> int:
    from pipelines.verify.behind import settle

    started = time.monotonic()
    with console.status("waiting") as status:
        waiting = settle(args.wait, status.update)
    seconds = time.monotonic() - started
    if args.json:
        facts = {"settled": waiting is None, "waiting": waiting, "seconds": round(seconds, 3)}
        sys.stdout.write(json.dumps(facts) + "\n")
    elif waiting:
        sys.stdout.write(f"NOT SETTLED: {waiting}\n")
    else:
        sys.stdout.write(f"settled ({seconds:.1f} s)\n")
    return 1 if waiting else 0


def _facts(report: Report) -> dict[str, Any]:
    found = report.difference
    difference = found and {
        "about": found.check.about,
        "tables": [found.check.left, found.check.right],
        "key": found.key,
        "values": [found.left, found.right],
    }
    return {
        "equal": report.equal,
        "difference": difference,
        "trouble": report.trouble,
        "totals": report.totals,
        "archive_begins_at": report.archive_begins_at,
        "seconds": round(report.seconds, 3),
    }


def _print(report: Report) -> None:
    from rich.console import Console
    from rich.table import Table

    from pipelines.verify.checks import CHECKS

    table = Table("compared", "left", "right", box=None, pad_edge=False)
    for check in CHECKS:
        if check.right not in report.totals:
            continue  # not of one institution
        left, right = report.totals[check.left], report.totals[check.right]
        table.add_row(check.about, _said(left), _said(right))
    Console(width=120 if not sys.stdout.isatty() else None).print(table)
    if report.archive_begins_at:
        sys.stdout.write(
            f"The archive was compared from {report.archive_begins_at:%F} on: older chunks were "
            "dropped (LMS_ARCHIVE_RETENTION_DAYS). Who watched a video is not compared.\n"
        )
    if report.equal:
        sys.stdout.write(f"equal ({report.seconds:.1f} s)\n")
    else:
        sys.stdout.write(f"NOT EQUAL: {report.trouble or report.difference}\n")


def _said(values: dict[str, int]) -> str:
    return ", ".join(f"{value:,} {name}" for name, value in values.items())
