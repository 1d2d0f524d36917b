"""Rebuild tables from the archive; readers see the old rows or the new ones.

A job of `jobs list` runs its SQL in Flink's batch mode and goes on from where that ended, beside
the others, which keep their state; a derived job runs its own statements, learner by learner. Both
write shadow tables and swap. `rebuild --list` names the derived jobs.
"""

from __future__ import annotations

import argparse
import sys

from contracts.errors import Rejected
from pipelines import operation
from pipelines.derive import job as derived
from pipelines.derive import rebuild
from pipelines.job import catalogue
from stack.arguments import moment

GROUP = "pipelines"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="JOB")
    parser.add_argument("--list", action="store_true", help="the derived jobs and their tables")
    parser.add_argument(
        "--from-archive", action="store_true", help="what there is to rebuild from: the default"
    )
    parser.add_argument(
        "--since", type=moment, metavar="MOMENT", help="only buckets from then on (ISO, in UTC)"
    )


def run(args: argparse.Namespace) -> int:
    if args.list:
        for job in derived.catalogue().values():
            sys.stdout.write(
                f"{job.name}\n  {job.about}\n  → {', '.join(table.name for table in job.tables)}\n"
            )
        return 0
    if not args.names:
        raise Rejected(
            "name the jobs to rebuild: learnstream rebuild --list, learnstream jobs list"
        )
    since = args.since
    stream = [catalogue()[name] for name in args.names if name in catalogue()]
    others = [derived.find(name).name for name in args.names if name not in catalogue()]
    if others:
        for table, rows in rebuild.rebuild(others, since).items():
            sys.stdout.write(f"{table}: {rows:,} rows\n")
    if stream:
        operation.recount([job.name for job in stream], since)
        sys.stdout.write(f"rebuilt by Flink: {', '.join(job.name for job in stream)}\n")
    return 0
