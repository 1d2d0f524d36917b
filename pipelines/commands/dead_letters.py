"""What could not be read: ``dead-letters list`` (one line each), ``dead-letters show KEY``."""

from __future__ import annotations

import argparse
import json
import sys

from rich.console import Console
from rich.table import Table

from contracts.errors import Rejected
from pipelines.dead_letters import letters


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="all of them, newest last")
    listing.add_argument("-n", type=int, default=50, help="at most this many, the newest")
    listing.add_argument("--json", action="store_true", help="one JSON object per line")
    show = actions.add_parser("show", help="one of them, with the message as it was sent")
    show.add_argument("key", help="topic/partition/offset, as list prints it")


def run(args: argparse.Namespace) -> int:
    return _list(args.n, args.json) if args.action == "list" else _show(args.key)


def _list(limit: int, as_json: bool) -> int:
    found = letters()
    shown = found[-limit:]
    if as_json:
        for letter in shown:
            sys.stdout.write(letter.model_dump_json() + "\n")
        return 0
    if not found:
        sys.stdout.write("no dead letters: every message could be read\n")
        return 0
    table = Table(caption=f"{len(shown)} of {len(found)}")
    for column in ("message", "reason", "detail", "refused by", "at"):
        table.add_column(column, overflow="fold")
    for letter in shown:
        at = letter.failed_at.isoformat(timespec="seconds")
        table.add_row(letter.message_key, letter.reason, letter.detail, letter.stage, at)
    Console().print(table)
    return 0


def _show(key: str) -> int:
    for letter in letters():
        if letter.message_key == key:
            facts = letter.model_dump(mode="json", exclude={"raw"})
            sys.stdout.write(json.dumps(facts, indent=2) + "\n")
            sys.stdout.write(letter.message.decode("utf-8", "backslashreplace") + "\n")
            return 0
    raise Rejected(f"there is no dead letter {key}: see learnstream dead-letters list", key=key)
