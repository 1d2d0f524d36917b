"""Statements that go to Postgres together, on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.errors import DivisionByZero, FeatureNotSupported, OperationalError
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from contracts.ids import new_id
from stack.postgres import PostgresSettings, pool
from stack.profile import Profile
from stack.roundtrip import Connection, Cursor, Unprepared

pytestmark = pytest.mark.integration


def run(
    act: Callable[[Connection], Awaitable[Any]], connection_class: type[Connection] = Connection
) -> Any:
    async def done() -> Any:
        async with await connection_class.connect(
            PostgresSettings().lms_url, autocommit=True, prepare_threshold=None
        ) as connection:
            return await act(connection)

    return asyncio.run(done())


BOTH = pytest.mark.parametrize("connection_class", [Connection, Unprepared])


@BOTH
def test_every_statement_has_its_own_answer_in_its_place(
    stack: Profile, connection_class: type[Connection]
) -> None:
    async def act(connection: Connection) -> None:
        id_ = UUID(new_id())
        for _ in range(3):  # prepared the first time, known the second
            text, many, none, written = await connection.ask(
                ("SELECT %(a)s::text AS a, %(b)s::uuid AS b, %(a)s AS c", {"a": "x", "b": id_}),
                ("SELECT * FROM generate_series(1, %s) AS n", [3]),
                ("SELECT 1 AS one WHERE %(no)s", {"no": False}),
                ("SET LOCAL statement_timeout = 0", {}),
            )
            assert text.row == {"a": "x", "b": id_, "c": "x"}
            assert (many.count, many.rows) == (3, [{"n": 1}, {"n": 2}, {"n": 3}])
            assert (none.count, none.row) == (0, None)
            assert (written.count, written.rows) == (0, [])

    run(act, connection_class)


def test_values_travel_as_a_cursor_of_psycopg_sends_them(stack: Profile) -> None:
    values = {"list": ["a", None, "ü"], "json": Jsonb({"k": [1, 2]}), "none": None, "n": 12.5}
    query = (
        "SELECT %(list)b::text[] AS list, %(json)s::jsonb AS json, %(none)s::int AS none,"
        " %(n)s::numeric AS n, '100%%' AS percent, now() AT TIME ZONE 'UTC' < now() AS t"
    )

    async def act(connection: Connection) -> Any:
        [found] = await connection.ask((query, values))
        cursor = psycopg.AsyncCursor(connection, row_factory=dict_row)
        await cursor.execute(query, values)
        assert found.row == await cursor.fetchone()
        return found.row

    assert run(act)["percent"] == "100%"


def test_what_follows_a_failure_is_not_done_and_the_connection_lives_on(stack: Profile) -> None:
    table = f"t{new_id().replace('-', '')}"

    async def act(connection: Connection) -> None:
        await connection.ask((f"CREATE TABLE {table} (n int)", {}))
        try:
            insert = f"INSERT INTO {table} VALUES (%(n)s)"
            with pytest.raises(DivisionByZero):
                await connection.ask(
                    (insert, {"n": 1}), ("SELECT 1 / %(n)s", {"n": 0}), (insert, {"n": 2})
                )
            assert connection.info.transaction_status == TransactionStatus.IDLE
            [found] = await connection.ask((f"SELECT count(*) AS n FROM {table}", {}))
            assert found.row == {"n": 0}  # outside a transaction all of them were one
        finally:
            await connection.ask((f"DROP TABLE {table}", {}))

    run(act)


def test_a_value_that_cannot_be_stored_costs_no_connection(stack: Profile) -> None:
    async def act(connection: Connection) -> None:
        with pytest.raises(psycopg.DataError):
            await connection.ask(("SELECT 1", {}), ("SELECT %(x)s::text", {"x": "a\x00b"}))
        [found] = await connection.ask(("SELECT 1 AS one", {}))
        assert found.row == {"one": 1}

    run(act)


def test_a_rollback_keeps_the_statements_prepared(stack: Profile) -> None:
    async def act(connection: Connection) -> None:
        query = "SELECT %(n)s::int AS n"
        await connection.ask((query, {"n": 1}))
        with pytest.raises(DivisionByZero):
            await connection.ask(("BEGIN", {}), ("SELECT 1 / %(n)s", {"n": 0}))
        await connection.rollback()
        [known] = await connection.ask(
            (
                "SELECT count(*) AS n FROM pg_prepared_statements WHERE statement LIKE %(q)s",
                {"q": "SELECT $1::int AS n"},
            )
        )
        assert known.row == {"n": 1}
        [again] = await connection.ask((query, {"n": 2}))
        assert again.row == {"n": 2}

    run(act)


def test_after_a_table_has_changed_a_statement_fails_once_and_not_again(stack: Profile) -> None:
    table = f"t{new_id().replace('-', '')}"

    async def act(connection: Connection) -> None:
        await connection.ask((f"CREATE TABLE {table} (n int)", {}))
        try:
            every = (f"SELECT * FROM {table}", {})
            await connection.ask((f"INSERT INTO {table} VALUES (1)", {}), every)
            await connection.ask((f"ALTER TABLE {table} ADD COLUMN m int DEFAULT 2", {}))
            with pytest.raises(FeatureNotSupported):
                await connection.ask(every)
            [found] = await connection.ask(every)
            assert found.row == {"n": 1, "m": 2}
        finally:
            await connection.ask((f"DROP TABLE {table}", {}))

    run(act)


def test_more_than_the_sockets_hold_goes_both_ways(stack: Profile) -> None:
    async def act(connection: Connection) -> None:
        long = "ä" * 6_000_000
        first, second = await connection.ask(
            ("SELECT %(x)s::text AS x", {"x": long}), ("SELECT %(x)s::text AS x", {"x": long})
        )
        assert first.row == second.row == {"x": long}

    run(act)


def test_who_is_cancelled_leaves_a_closed_connection_and_the_pool_makes_a_new_one(
    stack: Profile,
) -> None:
    async def done() -> None:
        async with pool(PostgresSettings().lms_url) as connections:
            with pytest.raises(asyncio.TimeoutError):
                async with connections.connection() as connection, asyncio.timeout(0.1):
                    await connection.ask(("SELECT pg_sleep(%(s)s)", {"s": 30}))
            assert connection.closed
            with pytest.raises(OperationalError):
                await connection.ask(("SELECT 1", {}))
            async with connections.connection() as connection:
                [found] = await connection.ask(("SELECT 1 AS one", {}))
            assert found.row == {"one": 1}

    asyncio.run(done())


def test_a_server_that_goes_away_is_an_error_of_the_connection(stack: Profile) -> None:
    async def act(connection: Connection) -> None:
        with psycopg.connect(PostgresSettings().lms_url, autocommit=True) as other:
            waiting = asyncio.create_task(connection.ask(("SELECT pg_sleep(%(s)s)", {"s": 30})))
            await asyncio.sleep(0)
            other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
        with pytest.raises(OperationalError):
            await waiting
        assert connection.closed

    run(act)


def test_a_cursor_of_dictionaries_asks_and_its_rows_are_fetched_as_usual(stack: Profile) -> None:
    async def act(connection: Connection) -> None:
        cursor = Cursor(connection, row_factory=dict_row)
        await cursor.execute("SELECT * FROM generate_series(1, %(n)s) AS n", {"n": 5})
        assert cursor.rowcount == 5
        assert await cursor.fetchone() == {"n": 1}
        assert await cursor.fetchmany(2) == [{"n": 2}, {"n": 3}]
        assert await cursor.fetchall() == [{"n": 4}, {"n": 5}]
        assert await cursor.fetchone() is None
        plain = Cursor(connection)
        await plain.execute("SELECT 1, 2")
        assert await plain.fetchone() == (1, 2)

    run(act)
