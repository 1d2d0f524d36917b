"""Moves what is left of an erased person in every store to the id that took theirs (ADR 14).

The LMS's own rows were moved in the transaction that erased. From then on ``erasures`` has both ids
until all stores are through; each step may be repeated, so whatever dies in between, the next round
goes on. A store is searched twice: at once, and after what was under way then has ended.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psycopg
import redis
from psycopg import sql
from psycopg.rows import dict_row

from contracts.errors import Retryable
from contracts.event import EVENTS, personal_fields
from core_lms.privacy import redis_keys
from stack import redis as stack_redis
from stack.kafka import KafkaSettings
from stack.postgres import PostgresSettings, connect_analytics
from stack.queries import load

log = logging.getLogger("core_lms.privacy")

SECOND_SEARCH_S = 60.0
"""What was read under the old id before it was gone has been written by then."""
LOCK = 0x4C4D_5312
"""One at a time; any constant no other lock of the LMS's database uses."""
MENTIONS = sorted(
    type_ for type_, event in EVENTS.items() if set(personal_fields(event)) - {"user_id"}
)
"""Events that may name somebody in another field than ``user_id``."""

_sql = load(__file__, "moving.sql")


def step(after_s: float = SECOND_SEARCH_S) -> int:
    """Do what can be done now; returns how many erasures are still open.

    Raises ``Retryable`` where a store is away: what was done until then is done.
    """
    try:
        with psycopg.connect(
            PostgresSettings().lms_url, autocommit=True, row_factory=dict_row
        ) as connection:
            return _step(connection, after_s)
    except (psycopg.OperationalError, psycopg.InterfaceError, redis.RedisError) as error:
        raise Retryable(f"an erased person is not moved everywhere yet: {error}") from error


def _step(connection: psycopg.Connection[dict[str, Any]], after_s: float) -> int:
    alone = connection.execute(_sql["alone"], [LOCK]).fetchone()
    if not (alone and alone["alone"]):
        return 0  # somebody else is at it
    found = connection.execute(_sql["open"], {"after_s": after_s}).fetchall()
    first = [person for person in found if person["moved_at"] is None]
    again = [person for person in found if person["due_again"]]
    if first or again:
        for person in (*first, *again):
            move(connection, person["user_id"], person["pseudonym"])
        connection.execute(_sql["moved"], [[person["user_id"] for person in first]])
    if again:
        tidy(connection)
        connection.execute(_sql["finish"], [[person["user_id"] for person in again]])
        log.info("moved %d erased people to their new ids in every store", len(again))
    left = connection.execute(_sql["left"]).fetchone()
    return int(left["rows"]) if left else 0


def move(connection: psycopg.Connection[dict[str, Any]], old: object, new: object) -> None:
    """Every store, in an order in which nothing is written under the old id again."""
    _texts(connection, old)
    with connect_analytics(application_name="learnstream-erasing") as analytics:
        analytics.execute(_sql["analytics"], [old, new, MENTIONS])
    with stack_redis.client() as client:
        redis_keys.move(client, str(old), str(new))


def _texts(connection: psycopg.Connection[dict[str, Any]], old: object) -> None:
    """Texts of the LMS in which the id stands, of whatever table."""
    connection.execute(_sql["texts"], [old])


def tidy(connection: psycopg.Connection[dict[str, Any]]) -> None:
    """The old versions of rows, and what statistics remember of them, go as well.

    Where the role may not vacuum a table, autovacuum does so later.
    """
    _vacuum(connection, connection.execute(_sql["tables"]).fetchall())
    with connect_analytics(autocommit=True, row_factory=dict_row) as analytics:
        _vacuum(analytics, analytics.execute(_sql["analytical_tables"]).fetchall())
    with stack_redis.client() as client, suppress(redis.ResponseError):
        client.bgrewriteaof()  # it has, or is about to


def _vacuum(connection: psycopg.Connection[Any], tables: Sequence[dict[str, Any]]) -> None:
    for table in tables:
        name = sql.Identifier(table["schema"], table["table"])
        connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(name))


def forget() -> None:
    """Delete the digests of old ids that Kafka no longer has, nor can bring.

    Raises ``Retryable`` where the analytical database is away.
    """
    kept = KafkaSettings().kept_for()
    if kept is None:
        return
    try:
        with connect_analytics() as analytics:
            analytics.execute("SELECT forget_erasures(now() - %s)", [kept])
    except (psycopg.OperationalError, psycopg.errors.UndefinedFunction) as error:
        raise Retryable(f"the analytical database does not answer: {error}") from error
