"""What a consumer does with events that it cannot apply, or not yet; who sees what."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from contracts.envelope import Envelope, decode
from contracts.errors import Misconfigured
from contracts.events.content import ContentViewed
from contracts.fixtures import example_envelope
from contracts.ids import new_id
from contracts.topics import CONTENT
from core_lms.inbox import positions
from core_lms.inbox.batches import Batches, Outcome, Record, is_other
from core_lms.inbox.declarations import consumers, loops
from core_lms.inbox.settings import InboxSettings
from core_lms.inbox.waits import Waits
from core_lms.unit import Unit
from pipelines.archive.rows import Batch
from pipelines.archive.table import ArchiveTable
from stack.postgres import connect_analytics, pool
from stack.profile import REPOSITORY
from tests.waiting import until

from .conftest import NAME, PROCESS
from .counting_process import CONSUMER


def partition_of(inbox: Any, key: str) -> int:
    """Two keys of different partitions are distinguished by what Kafka's partitioner does."""
    import zlib

    return zlib.crc32(key.encode()) % len(inbox.rows("SELECT FROM inbox_offsets"))


def keys_apart(inbox: Any) -> tuple[str, str]:
    first, second = new_id(), new_id()
    while partition_of(inbox, first) == partition_of(inbox, second):
        second = new_id()
    return first, second


def learnstream_inbox(inbox: Any, *argv: str) -> subprocess.CompletedProcess[str]:
    """``learnstream inbox …`` in a repository that has the test's consumer too."""
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import counting_process as test; "
        "import core_lms.commands.inbox as command; command.consumers = lambda: [test.CONSUMER]; "
        "import argparse; parser = argparse.ArgumentParser(); command.configure(parser); "
        "sys.exit(command.run(parser.parse_args(sys.argv[1:])))"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "LMS_POSTGRES_LMS_URL": inbox.owner_url,
        "LMS_POSTGRES_APP_URL": inbox.app_url,
    }
    return subprocess.run(
        [sys.executable, "-c", code, str(PROCESS.parent), *argv],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.integration
def test_what_cannot_be_applied_is_set_aside_with_its_reason_and_applied_when_repaired(
    inbox: Any,
) -> None:
    key = new_id()
    inbox.execute("INSERT INTO verdicts VALUES (2, 'reject'), (4, 'mistake')")
    process = inbox.start(LMS_INBOX_ATTEMPTS="2")
    inbox.send((key, 1), (key, 2), raw=b"{not json")
    inbox.send((key, 3), (key, 4), (key, 5))
    inbox.wait(3)
    inbox.end(process)

    assert inbox.applied() == {key: [1, 3, 5]}, "a rejected event leaves no half of its effects"
    assert inbox.emitted() == 3
    reasons = inbox.rows('SELECT reason FROM inbox_failures ORDER BY "offset"')
    assert reasons == [("this number cannot be applied",), ("unforeseen: ZeroDivisionError",)]

    listed = learnstream_inbox(inbox, "failures")
    assert listed.returncode == 0, listed.stderr
    assert listed.stdout.count(NAME) == 2
    inbox.execute("DELETE FROM verdicts WHERE n = 2")
    again = learnstream_inbox(inbox, "retry", "--all")
    assert again.returncode == 1, again.stderr
    assert "applied" in again.stdout
    assert "failed again: unforeseen: ZeroDivisionError" in again.stdout
    assert inbox.applied() == {key: [1, 3, 5, 2]}
    assert inbox.rows("SELECT attempts FROM inbox_failures") == [(2,)]


@pytest.mark.integration
def test_an_event_that_cannot_be_applied_yet_holds_back_its_partition_only(inbox: Any) -> None:
    held, free = keys_apart(inbox)
    inbox.execute("INSERT INTO verdicts VALUES (2, 'retry')")
    process = inbox.start()
    inbox.send((held, 1), (held, 2), (held, 3), (free, 11), (free, 12))
    inbox.wait(3)
    until(lambda: inbox.applied() == {held: [1], free: [11, 12]}, "the others went on")
    inbox.execute("DELETE FROM verdicts")
    inbox.wait(5)
    inbox.end(process)

    assert inbox.applied() == inbox.expected
    assert inbox.rows("SELECT FROM inbox_failures") == []


@pytest.mark.integration
def test_health_and_metrics_tell_of_consumers_and_their_lag(inbox: Any) -> None:
    process = inbox.start(LMS_HTTP_INBOX_PORT="29531")
    inbox.send((new_id(), 1))
    inbox.wait(1)
    ready = httpx.get("http://127.0.0.1:29531/health/ready")
    assert ready.json() == {"status": "ready", "consumers": 1}
    until(
        lambda: (
            f'lms_inbox_lag_messages{{consumer="{NAME}"}} 0.0'
            in httpx.get("http://127.0.0.1:29531/metrics").text
        ),
        "nothing is left to read",
    )
    inbox.end(process)


@pytest.mark.integration
def test_a_database_ahead_of_kafka_stops_the_process_with_the_way_out(inbox: Any) -> None:
    inbox.execute("UPDATE inbox_offsets SET next_offset = 999999999")
    process = inbox.start()
    assert process.wait(30) == 1


@pytest.mark.integration
def test_what_was_applied_is_not_applied_again_however_it_comes_back(inbox: Any) -> None:
    key, place = new_id(), (CONTENT.name, 0)
    [[first]] = inbox.rows("SELECT next_offset FROM inbox_offsets WHERE partition = 0")
    records = [
        Record(*place, first + number, inbox.message(key, number + 1)) for number in range(3)
    ]

    async def apply() -> list[Outcome]:
        async with pool(inbox.app_url) as database:
            batches = Batches(CONSUMER, database, InboxSettings())
            return [
                await batches.apply(place, records[:2], first, first + 2),
                await batches.apply(place, records, first, first + 3),  # overtaken
                await batches.apply(place, records, first + 2, first + 3),  # a step back
                await batches.apply(place, records[:1], first + 3, first + 1),
            ]

    outcomes = asyncio.run(apply())
    assert inbox.applied() == {key: [1, 2, 3]}
    assert [outcome.late for outcome in outcomes] == [False, True, False, False]
    assert [outcome.next_offset - first for outcome in outcomes] == [2, 2, 3, 3]


@pytest.mark.integration
def test_an_institution_is_asked_once_for_a_batch_what_it_wants_and_told_no_more(
    inbox: Any,
) -> None:
    key, place, asked = new_id(), (CONTENT.name, 0), []
    [[first]] = inbox.rows("SELECT next_offset FROM inbox_offsets WHERE partition = 0")
    records = [
        Record(*place, first + number, inbox.message(key, number + 1)) for number in range(5)
    ]

    async def interest(unit: Unit) -> Callable[[Envelope], bool]:
        await unit.cursor.execute("SELECT n FROM verdicts WHERE what = 'unwanted'")
        unwanted = {row["n"] for row in await unit.cursor.fetchall()}
        asked.append(unit.institution_id)
        return lambda envelope: cast(ContentViewed, envelope.payload).clicks not in unwanted

    async def apply() -> Outcome:
        async with pool(inbox.app_url) as database:
            batches = Batches(replace(CONSUMER, interest=interest), database, InboxSettings())
            return await batches.apply(place, records, first, first + 5)

    inbox.execute("INSERT INTO verdicts VALUES (1, 'unwanted'), (3, 'unwanted'), (5, 'unwanted')")
    outcome = asyncio.run(apply())
    assert inbox.applied() == {key: [2, 4]}
    assert asked == [inbox.institution_id]
    assert outcome.counts == {"applied": 2, "passed": 3}
    assert outcome.next_offset == first + 5


@pytest.mark.integration
def test_an_interest_that_cannot_be_asked_sets_its_events_aside_like_a_failing_handler(
    inbox: Any,
) -> None:
    key, place = new_id(), (CONTENT.name, 0)
    [[first]] = inbox.rows("SELECT next_offset FROM inbox_offsets WHERE partition = 0")

    async def interest(unit: Unit) -> Callable[[Envelope], bool]:
        await unit.cursor.execute("SELECT 1 / 0")
        raise AssertionError

    async def apply() -> list[Outcome]:
        async with pool(inbox.app_url) as database:
            batches = Batches(
                replace(CONSUMER, interest=interest), database, InboxSettings(attempts=2)
            )
            records = [Record(*place, first, inbox.message(key, 1))]
            return [await batches.apply(place, records, first, first + 1) for _ in range(2)]

    waits, set_aside = asyncio.run(apply())
    assert (waits.blocked is None, waits.next_offset) == (False, first)
    assert (set_aside.counts["failed"], set_aside.next_offset) == (1, first + 1)
    assert inbox.rows("SELECT reason FROM inbox_failures") == [("unforeseen: DivisionByZero",)]
    assert inbox.applied() == {}


def test_what_is_seen_to_be_of_another_type_is_passed_over_and_nothing_else_is() -> None:
    message = example_envelope("content.viewed").encode()
    assert is_other(message, {"content.completed"})
    assert not is_other(message, {"content.viewed"})
    for odd in (None, b"", b"{not json", b' {"event_type":"content.viewed"}', message[1:]):
        assert not is_other(odd, {"content.completed"}), "decoding finds what it is"


def test_every_declared_consumer_and_loop_is_found_by_its_file() -> None:
    found = consumers()
    assert len({one.name for one in found}) == len(found)
    for one in found:
        assert one.topics, one.name
        assert consumers([one.name.split(".")[0]]), "its name begins with its context"
    assert {one.name for one in loops()}.isdisjoint(one.name for one in found)


def test_a_consumer_file_without_a_declaration_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "lms_with_a_mistake" / "certificates" / "consumers"
    folder.mkdir(parents=True)
    (folder / "nothing.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Misconfigured, match=r"nothing\.py: bind CONSUMER = Consumer"):
        consumers(root=tmp_path / "lms_with_a_mistake")


def test_a_partition_waits_ever_longer_until_one_of_its_events_is_applied() -> None:
    waits = Waits(min_s=1.0, max_s=4.0)
    place = ("topic", 0)
    assert [waits.block(place, now=0.0) for _ in range(4)] == [1.0, 2.0, 4.0, 4.0]
    assert place in waits
    assert waits.over(now=3.9) == []
    assert waits.over(now=4.0) == [place]
    waits.moved(place)
    assert waits.block(place, now=5.0) == 1.0


def archived(inbox: Any, key: str, numbers: range) -> tuple[int, int]:
    """Put events into the archive, in several batches.

    Returns how many rows of the topic other tests had left there, and the last batch's number.
    """
    with connect_analytics() as connection:
        row = connection.execute(
            "SELECT count(*) FROM activity_events WHERE topic = %s AND event_type = ANY (%s)",
            [CONTENT.name, sorted(CONSUMER.event_types)],
        ).fetchone()
        assert row is not None
    with closing(ArchiveTable()) as table:
        for number in numbers:
            batch = Batch(at=datetime(2026, 1, 1, tzinfo=UTC))
            batch.add(decode(CONTENT.name, inbox.message(key, number)))
            table.store(batch, {})
        return row[0], table._batch_no


@pytest.mark.integration
@pytest.mark.parametrize("failpoint", ["", "handled:9", "moved:2", "committed:1"])
def test_a_new_consumer_applies_what_only_the_archive_has_and_then_kafka_each_once(
    inbox: Any, failpoint: str
) -> None:
    key = new_id()
    before, upto = archived(inbox, key, range(1, 21))
    archived(inbox, key, range(100, 103))  # later than the moment at which it began
    inbox.execute(
        "INSERT INTO inbox_history (consumer, topic, upto_batch) VALUES (%s, %s, %s)",
        NAME,
        CONTENT.name,
        upto,
    )
    inbox.execute(
        "INSERT INTO inbox_offsets (consumer, topic, partition, next_offset) "
        "VALUES (%s, %s, -1, %s)",
        NAME,
        CONTENT.name,
        before,
    )
    inbox.send((key, 21), (key, 22))
    process = inbox.start(failpoint)
    if failpoint:
        process.wait(60)
        inbox.start()
    inbox.wait(22)
    assert inbox.applied()[key] == list(range(1, 23))
    assert inbox.rows("SELECT FROM inbox_history") == []


def test_only_a_consumer_of_all_history_begins_in_the_archive_and_only_a_new_one() -> None:
    known = {("a", 0): (0, 9), ("a", 1): (4, 9), ("b", 0): (0, 3)}
    begins = positions.begins_in_archive
    assert begins(CONSUMER, set(), known) == {"a"}
    assert begins(CONSUMER, {"a"}, known) == set()
    assert begins(replace(CONSUMER, begin="latest"), set(), known) == set()
