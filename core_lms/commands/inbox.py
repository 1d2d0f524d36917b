"""List background consumers, and the events they set aside; retry those."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from psycopg_pool import AsyncConnectionPool

from core_lms.inbox.declarations import consumers, loops
from core_lms.inbox.failures import chosen, failures, retry
from stack.postgres import PostgresSettings, pool

GROUP = "lms"


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="the consumers and loops there are, and what they read")
    listing = actions.add_parser("failures", help="events set aside, oldest first")
    listing.add_argument("--consumer", help="of this consumer only")
    listing.add_argument("--json", action="store_true", help="one JSON object per line")
    again = actions.add_parser("retry", help="apply events again, once the cause is repaired")
    again.add_argument("event", nargs="*", help="event ids as failures prints them")
    again.add_argument("--all", action="store_true", help="all of them")
    again.add_argument("--consumer", help="of this consumer only")


def run(args: argparse.Namespace) -> int:
    if args.action == "list":
        return _list()
    if args.action == "failures":
        return asyncio.run(_failures(args.consumer, args.json))
    if bool(args.event) == args.all:
        sys.stderr.write("learnstream inbox retry: name events, or say --all\n")
        return 2
    return asyncio.run(_retry(args.consumer, args.event))


def _list() -> int:
    for one in consumers():
        types = ", ".join(sorted(one.event_types))
        sys.stdout.write(f"consumer {one.name}: {types} ({', '.join(one.topics)})\n")
    for loop in loops():
        sys.stdout.write(f"loop {loop.name}\n")
    return 0


async def _failures(consumer: str | None, as_json: bool) -> int:
    async with _pool(PostgresSettings().lms_url) as database:
        rows = await failures(database, consumer)
    for row in rows:
        if as_json:
            sys.stdout.write(json.dumps(asdict(row), default=str) + "\n")
        else:
            at = row.failed_at.isoformat(timespec="seconds")
            place = f"{row.topic}/{row.partition}/{row.offset}"
            sys.stdout.write(
                f"{row.event_id}  {row.consumer}  {row.event_type}  {place}  {at}  "
                f"tried {row.attempts}×: {row.reason}\n"
            )
    if not rows and not as_json:
        sys.stdout.write("nothing was set aside: every event could be applied\n")
    return 0


async def _retry(consumer: str | None, event_ids: Sequence[str]) -> int:
    # All tenants' failures are listed by the owner; each is applied as the application, in its own.
    async with _pool(PostgresSettings().lms_url) as owner:
        rows = await failures(owner, consumer)
    failed = 0
    async with _pool(PostgresSettings().app_url) as database:
        known = consumers()
        for row in chosen(rows, event_ids) if event_ids else rows:
            reason = await retry(database, known, row)
            failed += reason is not None
            said = "applied" if reason is None else f"failed again: {reason}"
            sys.stdout.write(f"{row.event_id}  {row.consumer}  {said}\n")
    return 1 if failed else 0


def _pool(url: str) -> AsyncConnectionPool[Any]:
    return pool(url, application_name="learnstream-inbox-command")
