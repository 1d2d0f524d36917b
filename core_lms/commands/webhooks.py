"""List webhook messages that could not be delivered; send them again."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import psycopg
from psycopg.rows import class_row

from core_lms.webhooks.repository import ListedDelivery, sql
from stack.postgres import connect_lms

GROUP = "lms"


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("dead", help="messages that could not be delivered, oldest first")
    listing.add_argument("--json", action="store_true", help="one JSON object per line")
    again = actions.add_parser("retry", help="have them sent again")
    again.add_argument("delivery", nargs="*", help="delivery ids as dead prints them")
    again.add_argument("--all", action="store_true", help="all of them")


def run(args: argparse.Namespace) -> int:
    """As the operator: over all institutions."""
    with connect_lms() as connection:
        cursor = connection.cursor(row_factory=class_row(ListedDelivery))
        dead = cursor.execute(sql["all_dead"]).fetchall()
        if args.action == "dead":
            return _list(dead, args.json)
        if bool(args.delivery) == args.all:
            sys.stderr.write("learnstream webhooks retry: name deliveries, or say --all\n")
            return 2
        return _retry(connection, dead, None if args.all else set(args.delivery))


def _list(dead: list[ListedDelivery], as_json: bool) -> int:
    for row in dead:
        if as_json:
            sys.stdout.write(json.dumps(row.model_dump(), default=str) + "\n")
        else:
            sys.stdout.write(
                f"{row.id}  webhook {row.webhook_id} ({row.webhook_status})  "
                f"{row.event_type} {row.event_id}  tried {row.attempts}×: "
                f"{row.last_error}\n"
            )
    if not dead and not as_json:
        sys.stdout.write("nothing is dead: every message was delivered or is still being tried\n")
    return 0


def _retry(
    connection: psycopg.Connection[Any], dead: list[ListedDelivery], wanted: set[str] | None
) -> int:
    known = {str(row.id): row for row in dead}
    unknown = sorted((wanted or set()) - set(known))
    if unknown:
        sys.stderr.write(f"learnstream webhooks retry: not dead: {', '.join(unknown)}\n")
        return 1
    for id_ in known if wanted is None else sorted(wanted):
        row = known[id_]
        if row.webhook_status == "disabled":
            sys.stdout.write(f"{id_}  its webhook is disabled: set it to active first\n")
            continue
        connection.execute(sql["retry"], {"webhook_id": row.webhook_id, "id": row.id})
        sys.stdout.write(f"{id_}  due\n")
    return 0
