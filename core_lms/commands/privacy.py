"""Find a person in every store, or erase one and prove it.

`find USER_ID` searches every row of both databases and their files, Redis, what Kafka's topics
still hold, Qdrant, artefacts and logs for the id, and for any `--word`, and says what it found
where, how often, and until when. Of who is not erased it also shows the LMS's tables and what
becomes of each, and searches for their name and address. `erase USER_ID` erases the person and
searches. Exit status 1 where of an erased person something is found that nothing takes away, or
where a living one's name or address is readable.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from contracts.errors import Rejected
from stack.arguments import identifier
from stack.postgres import PostgresSettings, reach_lms

if TYPE_CHECKING:
    from core_lms.privacy.stores.trace import Trace

GROUP = "lms"
PATIENCE_S = 60.0
"""How long `erase` waits for the stores, before it searches them."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("find", "erase"))
    parser.add_argument("user_id", type=identifier, metavar="USER_ID")
    parser.add_argument("--word", action="append", default=[], help="search for this, too")


def run(args: argparse.Namespace) -> int:
    user_id = UUID(args.user_id)
    with reach_lms(autocommit=True, row_factory=dict_row) as connection:
        words = list(args.word)
        account = _account(connection, user_id)
        if args.what == "erase":
            if account is None:
                raise Rejected(f"there is no user {user_id}")
            words += _known_words(account)
            asyncio.run(_erase(user_id, str(account["institution_id"])))
            _move(connection)
            account = None
        if account is not None:
            return _living(connection, account, words)
        return _erased(connection, user_id, words)


def _living(
    connection: psycopg.Connection[dict[str, Any]], account: dict[str, Any], words: Sequence[str]
) -> int:
    from core_lms.privacy import searching
    from core_lms.privacy.stores.trace import Wanted

    _describe(account)
    for count in searching.rows_of(connection, account["id"]):
        if count.rows:
            sys.stdout.write(f"  {count.table:<22}{count.rows:>8,}  {count.becomes}\n")
    for trace in searching.traces(Wanted(account["id"])):
        _print(trace, "until they are erased")
    readable = list(searching.traces(Wanted(None, [*words, *_known_words(account)])))
    for trace in readable:
        _print(trace, "IN THE CLEAR")
    return 1 if readable else 0


def _erased(
    connection: psycopg.Connection[dict[str, Any]], user_id: UUID, words: Sequence[str]
) -> int:
    from core_lms.privacy import searching
    from core_lms.privacy.stores.trace import Wanted

    row = connection.execute(
        "SELECT erased_at, finished_at FROM erasures WHERE digest = digest_of_id(%s)", [user_id]
    ).fetchone()
    erased_at: datetime | None = row["erased_at"] if row else None
    if row is None:
        sys.stdout.write(f"user {user_id}: not known here, and nobody who was erased\n")
    else:
        moved = "moved in every store" if row["finished_at"] else "being moved in every store"
        sys.stdout.write(f"user {user_id}: erased at {erased_at:%F %T %Z}, {moved}\n")
    left = 0
    for trace in searching.traces(Wanted(user_id, words, erased_at)):
        _print(trace, "NOTHING TAKES IT AWAY")
        left += trace.until is None
    if not left:
        sys.stdout.write(f"the id and {len(words)} words searched in every store: nothing stays\n")
    return 1 if left else 0


def _print(trace: Trace, otherwise: str) -> None:
    until = trace.until or otherwise
    sys.stdout.write(f"  {trace.store:<20}{trace.place:<40}{trace.count:>8,}  {until}\n")


def _known_words(account: dict[str, Any]) -> list[str]:
    from core_lms.sealing import person

    clear = person.opened(account)
    return [word for word in (clear["email"], clear["name"]) if word]


def _account(
    connection: psycopg.Connection[dict[str, Any]], user_id: UUID
) -> dict[str, Any] | None:
    from core_lms.privacy import erasing
    from stack.queries import load

    statement = load(erasing.__file__, "erasing.sql")["person"]
    row = connection.execute(statement, {"user_id": user_id}).fetchone()
    return None if row is None or row["erased_at"] is not None else row


def _describe(account: dict[str, Any]) -> None:
    state = "sealed" if account["email_encrypted"] else "not sealed yet: learnstream migrate"
    key = "no data key" if account["wrapped_key"] is None else "a data key, wrapped"
    sys.stdout.write(f"user {account['id']}: {state}, {key}\n")


async def _erase(user_id: UUID, institution_id: str) -> None:
    from core_lms.access.operator import acting
    from core_lms.privacy import erasing

    async with acting(institution_id, "user.erase", f"person {user_id}") as unit:
        await erasing.erase(unit, user_id)


def _move(connection: psycopg.Connection[dict[str, Any]]) -> None:
    """What the inbox process does in the background; here until every store was searched once."""
    from core_lms.audit.sealer import Sealer
    from core_lms.audit.settings import AuditSettings
    from core_lms.privacy import moving

    sealer = Sealer(PostgresSettings().lms_url, AuditSettings())
    deadline = time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < deadline:
            sealer.seal()
            moving.step()
            waiting = connection.execute(
                "SELECT count(*) AS rows FROM erasures WHERE user_id IS NOT NULL "
                "AND (moved_at IS NULL OR audited_at IS NULL)"
            ).fetchone()
            if not (waiting and waiting["rows"]):
                moving.tidy(connection)
                return
            time.sleep(0.5)
    finally:
        sealer.stop()
