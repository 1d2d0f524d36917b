"""What the relay promises while nothing dies: order, completeness, one at a time, a clean end."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

import psycopg
import pytest

from contracts.ids import new_id
from core_lms.outbox import APPEND
from tests.waiting import until

from .conftest import Writers, verify

pytestmark = pytest.mark.integration


def test_a_transaction_that_commits_late_is_not_skipped(outbox: Any) -> None:
    early, late = new_id(), new_id()
    with outbox.relaying(), outbox.connect() as slow, outbox.connect() as quick:
        slow.execute(APPEND, outbox.event(late, 1))  # takes the lower id, commits last
        quick.execute(APPEND, outbox.event(early, 1))
        quick.commit()
        until(lambda: early in outbox.published(), "the quick one is published")
        assert late not in outbox.published()
        slow.commit()
        until(lambda: late in outbox.published(), "the slow one is published, too")


def test_a_transaction_far_older_than_what_was_published_since_is_not_skipped(
    outbox: Any,
) -> None:
    late = new_id()
    with outbox.relaying(), outbox.connect() as slow:
        slow.execute(APPEND, outbox.event(late, 1))
        with Writers(outbox) as writers:
            time.sleep(3)  # long enough for the low-water mark to move, were it wrong
        until(lambda: outbox.waiting() == 0, "all but the slow one are published")
        slow.commit()
        until(lambda: late in outbox.published(), "the slow one is published, too")

    published = outbox.published()
    assert published.pop(late) == [1]
    assert {key: len(numbers) for key, numbers in published.items()} == writers.committed()


def test_events_that_trickle_in_share_few_batches_and_a_backlog_waits_for_none(
    outbox: Any,
) -> None:
    rare = {"LMS_OUTBOX_ROUND_MIN_S": "0.5", "LMS_OUTBOX_BATCH_ROWS": "10"}
    with outbox.connect(autocommit=True) as connection:
        batches = "SELECT batch_no FROM outbox_relay"
        with outbox.relaying(**rare):
            connection.execute(APPEND, outbox.event(new_id(), 1))
            until(lambda: outbox.waiting() == 0, "the relay is at work")
            [before] = connection.execute(batches).fetchone()
            began = time.monotonic()
            for number in range(8):
                connection.execute(APPEND, outbox.event(new_id(), number + 1))
                time.sleep(0.1)
            until(lambda: outbox.waiting() == 0, "all of them are published")
            [after] = connection.execute(batches).fetchone()
            assert after - before <= (time.monotonic() - began) / 0.5 + 1

        for number in range(200):
            connection.execute(APPEND, outbox.event(new_id(), number + 1))
        with outbox.relaying(**rare | {"LMS_OUTBOX_ROUND_MIN_S": "30"}):
            until(lambda: outbox.waiting() == 0, "twenty full batches", within_s=25)


def test_two_writers_of_one_key_take_their_ids_in_the_order_they_commit(outbox: Any) -> None:
    key = new_id()
    with outbox.connect() as first, outbox.connect() as second:
        first.execute(APPEND, outbox.event(key, 1))
        waiter = threading.Thread(
            target=lambda: (second.execute(APPEND, outbox.event(key, 2)), second.commit())
        )
        waiter.start()
        with outbox.connect(autocommit=True) as watcher:
            until(lambda: _blocked(watcher, second), "the second writer waits for the first")
        first.commit()
        waiter.join()
    with outbox.relaying():
        until(lambda: outbox.waiting() == 0, "the outbox drains")

    assert outbox.published() == {key: [1, 2]}


def _blocked(watcher: psycopg.Connection[Any], connection: psycopg.Connection[Any]) -> bool:
    row = watcher.execute(
        "SELECT cardinality(pg_blocking_pids(%s)) > 0", [connection.info.backend_pid]
    ).fetchone()
    return bool(row and row[0])


def test_a_rolled_back_change_leaves_no_event(outbox: Any) -> None:
    with outbox.connect() as connection:
        connection.execute(APPEND, outbox.event(new_id(), 1))
        connection.rollback()
        connection.execute(APPEND, outbox.event(kept := new_id(), 1))
    with outbox.relaying():
        until(lambda: outbox.waiting() == 0, "the outbox drains")

    assert outbox.published() == {kept: [1]}


def test_a_second_relay_waits_and_takes_over_when_the_first_ends(outbox: Any) -> None:
    first, second = outbox.relay(), outbox.relay()
    with Writers(outbox) as writers:
        until(lambda: len(outbox.published()) > 0, "one of them relays")
        assert (first.poll(), second.poll()) == (None, None)
        first.send_signal(signal.SIGTERM)
        assert first.wait(30) in (0, -signal.SIGTERM)  # stopped while Python was still starting
    until(lambda: outbox.waiting() == 0, "the other drains the outbox")
    second.send_signal(signal.SIGTERM)

    assert second.wait(30) == 0
    assert verify(outbox, writers) > 0


def test_a_relay_told_to_stop_leaves_nothing_open(outbox: Any) -> None:
    with Writers(outbox) as writers:
        relay = outbox.relay()
        until(lambda: sum(map(len, outbox.published().values())) > 50, "it is under way")
        relay.send_signal(signal.SIGTERM)
        assert relay.wait(30) == 0
        with outbox.connect() as connection:
            row = connection.execute("SELECT batch_no - published_no, row_ids FROM outbox_relay")
            assert row.fetchone() == (0, [])
    with outbox.relaying():
        until(lambda: outbox.waiting() == 0, "the next one goes on")

    assert verify(outbox, writers) > 50


def test_it_waits_for_a_database_that_is_not_migrated_yet(outbox: Any) -> None:
    with outbox.connect(autocommit=True) as connection:
        connection.execute("ALTER TABLE outbox_relay RENAME TO not_yet")
        with outbox.relaying() as relay:
            time.sleep(2)
            assert relay.poll() is None
            connection.execute("ALTER TABLE not_yet RENAME TO outbox_relay")
            connection.execute(APPEND, outbox.event(new_id(), 1))
            until(lambda: outbox.waiting() == 0, "it starts once the tables are there")


def test_a_database_restored_from_a_backup_is_refused_rather_than_published_again(
    outbox: Any,
) -> None:
    with outbox.relaying(), outbox.connect(autocommit=True) as connection:
        for number in (1, 2, 3):
            connection.execute(APPEND, outbox.event(new_id(), number))
            until(lambda: outbox.waiting() == 0, "published")
    with outbox.connect(autocommit=True) as connection:
        connection.execute("UPDATE outbox_relay SET batch_no = 1, published_no = 1")

    assert outbox.relay().wait(60) == 1

    with outbox.connect(autocommit=True) as connection:
        connection.execute(
            "UPDATE outbox_relay SET outbox_id = gen_random_uuid(), batch_no = 0, "
            "published_no = 0, row_ids = '{}'"
        )
        connection.execute(APPEND, outbox.event(key := new_id(), 4))
    with outbox.relaying():
        until(lambda: key in outbox.published(), "the way out it names leads on")


def test_forgotten_progress_is_refused_only_where_a_batch_is_in_doubt(outbox: Any) -> None:
    """Kafka drops the offsets of a group after ``offsets.retention.minutes`` of silence."""
    with outbox.relaying(), outbox.connect(autocommit=True) as connection:
        connection.execute(APPEND, outbox.event(first := new_id(), 1))
        until(lambda: outbox.waiting() == 0, "published")
    with outbox.connect(autocommit=True) as connection:
        # A new name is a group without offsets.
        connection.execute("UPDATE outbox_relay SET outbox_id = gen_random_uuid()")
        connection.execute(APPEND, outbox.event(second := new_id(), 1))
    with outbox.relaying():
        until(lambda: outbox.waiting() == 0, "nothing was in doubt: it goes on")
    with outbox.connect(autocommit=True) as connection:
        connection.execute(APPEND, outbox.event(new_id(), 1))
        connection.execute(
            "UPDATE outbox_relay SET outbox_id = gen_random_uuid(), batch_no = batch_no + 1, "
            "row_ids = (SELECT array_agg(id) FROM outbox)"
        )

    assert outbox.relay().wait(60) == 1
    assert outbox.published() == {first: [1], second: [1]}
