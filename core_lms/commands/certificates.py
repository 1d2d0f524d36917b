"""List or rotate the keys that sign certificates."""

from __future__ import annotations

import argparse
import asyncio
import sys

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from core_lms.certificates.keys import public_keys, rotate
from stack.postgres import PostgresSettings

GROUP = "lms"


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("keys", help="every key there was; the newest signs, all verify")
    actions.add_parser(
        "rotate",
        help="a new key signs; the private half of the one before is destroyed",
    )


def run(args: argparse.Namespace) -> None:
    asyncio.run(_run(args.action))


async def _run(action: str) -> None:
    async with (
        await AsyncConnection.connect(PostgresSettings().app_url) as connection,
        connection.cursor(row_factory=dict_row) as cursor,
    ):
        if action == "rotate":
            sys.stdout.write(f"{await rotate(cursor)} signs from now on\n")
            return
        for row in await public_keys(cursor):
            state = "signs" if row["signs"] else "verifies"
            at = row["created_at"].isoformat(timespec="seconds")
            sys.stdout.write(f"{row['kid']}  {at}  {state}\n")
