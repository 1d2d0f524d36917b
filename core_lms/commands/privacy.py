"""Look for a person in every table of the LMS, or forget one and prove it by looking.

`look USER_ID` shows each table that can hold the person, with the number of rows and what becomes
of them, and searches every readable column of every table for the person's name and address, and
for any `--word`. `erase USER_ID` forgets the person and looks for the words that were theirs;
exit status 1 where one is found.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from contracts.errors import Misconfigured, Rejected, Retryable
from stack.postgres import PostgresSettings


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("look", "erase"))
    parser.add_argument("user_id")
    parser.add_argument("--word", action="append", default=[], help="search for this, too")


def run(args: argparse.Namespace) -> int:
    from core_lms.privacy import looking, person

    user_id = _id(args.user_id)
    try:
        connection = psycopg.connect(
            PostgresSettings().lms_url, autocommit=True, row_factory=dict_row
        )
    except psycopg.OperationalError as error:
        raise Retryable(f"PostgreSQL (LMS_POSTGRES_LMS_URL) does not answer: {error}") from error
    with connection:
        account = _account(connection, user_id)
        clear = person.opened(account)
        words = [*args.word, *filter(None, (clear["email"], clear["name"]))]
        if args.what == "erase":
            asyncio.run(_erase(user_id, str(account["institution_id"])))
            connection.execute("VACUUM users, person_keys")  # the old versions of the rows as well
            account = _account(connection, user_id)
        _tell(account)
        for sight in looking.rows_of(connection, user_id):
            if sight.rows:
                sys.stdout.write(f"  {sight.table:<22}{sight.rows:>8,}  {sight.becomes}\n")
        found = looking.words_in_the_clear(connection, words)
    for one in found:
        sys.stdout.write(f"IN THE CLEAR: {one.table}.{one.column}, {one.rows:,} rows\n")
    if not found:
        sys.stdout.write(
            f"{len(words)} words searched in every column: none in the clear\n"
            if words
            else "no words to search for: their name and address cannot be known any more\n"
        )
    return 1 if found else 0


def _account(connection: psycopg.Connection[dict[str, Any]], user_id: UUID) -> dict[str, Any]:
    from core_lms.privacy import erasing
    from stack.queries import load

    statement = load(erasing.__file__, "erasing.sql")["person"]
    row = connection.execute(statement, {"user_id": user_id}).fetchone()
    if row is None:
        raise Rejected(f"there is no user {user_id}")
    return row


def _tell(account: dict[str, Any]) -> None:
    if account["erased_at"] is not None:
        state = f"forgotten at {account['erased_at']:%F %T %Z}"
    elif account["email_encrypted"] is None:
        state = "not sealed yet: learnstream migrate"
    else:
        state = "sealed"
    key = "no data key" if account["wrapped_key"] is None else "a data key, wrapped"
    sys.stdout.write(f"user {account['id']}: {state}, {key}\n")


async def _erase(user_id: UUID, institution_id: str) -> None:
    from core_lms.privacy import erasing
    from core_lms.work import transaction
    from gateway.caller import Caller
    from stack.postgres import pool

    operator = Caller("machine", institution_id, name="machine/operator")
    async with (
        pool(PostgresSettings().app_url) as connections,
        transaction(connections, operator) as unit,
    ):
        unit.action, unit.resource = "user.erase", f"person {user_id}"
        await erasing.erase(unit, user_id)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Misconfigured(f"{text} is not the id of a user") from None
