"""The archive on real Kafka and Postgres: everything once, whatever is sent or killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from contracts.dead_letters import DeadLetter
from contracts.envelope import Envelope, wrap
from contracts.errors import Rejected, Retryable
from contracts.event import EVENTS
from contracts.events.content import ContentViewed
from contracts.fixtures import example, example_envelope
from contracts.ids import DEFAULT_INSTITUTION, new_id
from contracts.topics import CONTENT
from pipelines.dead_letters import letters, read
from pipelines.repair import Desk
from stack import cli, kafka, postgres
from stack.profile import REPOSITORY, Profile
from tests.waiting import until, until_equal

pytestmark = pytest.mark.integration

ABOUT = ("user_id", "course_id", "item_id", "kind", "clicks")
REST = ("source_service", "schema_version", "payload")


class ArchiveProcess:
    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "pipelines.archive"],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.DEVNULL,
        )

    def end(self, number: signal.Signals) -> int:
        assert self._child is not None
        self._child.send_signal(number)
        return self._child.wait(30)


@pytest.fixture(scope="module")
def archive(stack: Profile) -> Iterator[ArchiveProcess]:
    process = ArchiveProcess()
    process.start()
    yield process
    # 0, or the default death of a process that gets SIGTERM while Python was still starting.
    assert process.end(signal.SIGTERM) in (0, -signal.SIGTERM)


def views(count: int, user_id: str) -> list[Envelope]:
    course, item = new_id(), new_id()
    event = ContentViewed(user_id=user_id, course_id=course, item_id=item, kind="page", clicks=2)
    return [
        wrap(event, institution_id=DEFAULT_INSTITUTION, source_service="content-service")
        for _ in range(count)
    ]


def send(*messages: tuple[str, bytes | None]) -> None:
    producer = kafka.producer()
    for topic, value in messages:
        producer.produce(topic, key=b"key", value=value)
        producer.poll(0)
    assert producer.flush(30) == 0


def query(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with postgres.connect_analytics() as connection:
        return connection.execute(statement, parameters).fetchall()  # type: ignore[call-overload]


def test_every_kind_of_event_is_archived_as_it_was_sent(archive: ArchiveProcess) -> None:
    number = time.time_ns() % 10**9
    sent = {t: example_envelope(t, number) for t in EVENTS}
    send(*((e.topic, e.encode()) for e in sent.values()))
    ids = [e.event_id for e in sent.values()]
    names = (*("event_type", "topic", "event_id", "timestamp", "institution_id"), *ABOUT, *REST)
    statement = f"SELECT {', '.join(names)} FROM activity_events WHERE event_id = ANY(%s::uuid[])"
    rows = until(
        lambda: query(statement, ids),
        "every event is stored",
        accepts=lambda found: len(found) == len(ids),
    )
    for row in rows:
        event = sent[row[0]]
        payload = event.payload.model_dump(mode="json")
        assert [str(value) if isinstance(value, UUID) else value for value in row] == [
            *(event.event_type, event.topic, event.event_id, event.timestamp),
            event.institution_id,
            *(payload.get(name) for name in ABOUT),
            *(event.source_service, event.schema_version, payload),
        ]


def test_an_event_sent_twice_is_stored_once_and_its_neighbours_too(
    archive: ArchiveProcess,
) -> None:
    user = new_id()
    sent = views(50, user)
    send(*((CONTENT.name, e.encode()) for e in [*sent, *sent[:20], sent[0]]))
    last = views(1, user)
    send(*((CONTENT.name, e.encode()) for e in last))
    count = "SELECT count(*) FROM activity_events WHERE user_id = %s"
    marker = "SELECT count(*) FROM activity_events WHERE event_id = %s"
    until(lambda: query(count, user)[0][0] >= 51, "all are stored")
    until_equal(lambda: query(marker, last[0].event_id)[0][0], 1)
    assert query(count, user) == [(51,)]


def test_an_id_that_comes_again_for_another_learner_is_another_event(
    archive: ArchiveProcess,
) -> None:
    """A producer with broken ids: what two learners did at one moment is not thrown away."""
    first, second = new_id(), new_id()
    [event] = views(1, first)
    payload = event.payload.model_copy(update={"user_id": second})
    other = event.model_copy(update={"payload": payload})
    send(*((CONTENT.name, e.encode()) for e in (event, other, event, other)))
    [last] = views(1, first)
    send((CONTENT.name, last.encode()))
    found = "SELECT event_id::text FROM activity_events WHERE user_id = %s ORDER BY timestamp"
    both = [(event.event_id,), (last.event_id,)]
    until_equal(lambda: query(found, first), both)
    assert query(found, second) == [(event.event_id,)]


def test_a_malformed_message_becomes_a_dead_letter_with_its_reason_and_the_rest_goes_on(
    archive: ArchiveProcess,
) -> None:
    user = new_id()
    good = views(2, user)
    broken = good[0].encode().replace(b'"clicks":2', b'"clicks":"two"')
    send(
        (CONTENT.name, good[0].encode()),
        (CONTENT.name, broken),
        (CONTENT.name, f"not json {user}".encode()),
        (CONTENT.name, good[1].encode()),
    )
    count = "SELECT count(*) FROM activity_events WHERE user_id = %s"
    until_equal(lambda: query(count, user)[0][0], 2)
    refused = until(
        lambda: dead_letters(user), "both are dead letters", accepts=lambda found: len(found) == 2
    )
    assert {letter.reason for letter in refused} == {"invalid", "not_json"}
    invalid = next(letter for letter in refused if letter.reason == "invalid")
    assert "payload.clicks" in invalid.detail
    assert invalid.message == broken
    assert invalid.topic == CONTENT.name


def test_a_text_that_postgres_cannot_store_is_a_dead_letter_and_stops_nothing(
    archive: ArchiveProcess,
) -> None:
    user = new_id()
    shown = example("recommendation.shown").model_copy(update={"user_id": user, "model": "a\0b"})
    event = wrap(shown, institution_id=DEFAULT_INSTITUTION, source_service="serving")
    send((event.topic, event.encode()), *((CONTENT.name, e.encode()) for e in views(1, user)))
    count = "SELECT count(*) FROM activity_events WHERE user_id = %s"
    until_equal(lambda: query(count, user)[0][0], 1)
    [letter] = until(lambda: dead_letters(user), "it is a dead letter")
    assert letter.reason == "invalid"
    assert "U+0000" in letter.detail


def dead_letters(mark: str) -> list[DeadLetter]:
    """The archive's letters whose message contains ``mark``."""
    return [
        letter
        for letter in letters()
        if letter.stage == "archive" and mark.encode() in letter.message
    ]


def test_an_archive_killed_again_and_again_stores_everything_once(archive: ArchiveProcess) -> None:
    user = new_id()
    send(*((CONTENT.name, e.encode()) for e in views(60_000, user)))
    count = "SELECT count(*), count(DISTINCT event_id) FROM activity_events WHERE user_id = %s"
    moments = random.Random(7)
    for _ in range(4):
        time.sleep(moments.uniform(0.05, 0.6))  # a moment of its life, not a wait for something
        archive.end(signal.SIGKILL)
        archive.start()
        before = query(count, user)[0][0]
        until(
            lambda: query(count, user)[0][0],
            "it stores more",
            accepts=lambda found, b=before: found > b or found == 60_000,
        )
    until(lambda: query(count, user)[0][0] >= 60_000, "all are stored")
    assert query(count, user) == [(60_000, 60_000)]


def test_a_repaired_letter_is_archived_once_and_is_not_repaired_again(
    archive: ArchiveProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    user = new_id()
    good = views(1, user)[0]
    send(
        (CONTENT.name, good.encode().replace(b'"clicks":2', b'"clicks":"two"')),
        (CONTENT.name, f"not json {user}".encode()),
    )
    refused = until(
        lambda: dead_letters(user), "both are dead letters", accepts=lambda found: len(found) == 2
    )
    wrong = next(letter for letter in refused if letter.reason == "invalid").message_key
    lost = next(letter for letter in refused if letter.reason == "not_json").message_key
    with pytest.raises(Rejected, match=r"payload\.clicks"):
        cli.call("dead-letters", "replay", wrong)
    assert cli.call("dead-letters", "replay", wrong, "--set", "payload.clicks=2") == 0
    assert cli.call("dead-letters", "discard", lost, "--why", "a test of the network") == 0
    archived = "SELECT event_id::text FROM activity_events WHERE user_id = %s"
    until_equal(lambda: query(archived, user), [(good.event_id,)])
    with pytest.raises(Rejected, match="was replayed"):
        cli.call("dead-letters", "replay", wrong, "--set", "payload.clicks=2")
    waiting = {letter.message_key for letter in read().open}
    assert not waiting & {wrong, lost}
    assert read().resolutions[lost].note == "a test of the network"
    capsys.readouterr()
    cli.call("dead-letters", "list", "--all", "--json", "-n", "100000")
    states = {
        f"{row['topic']}/{row['partition']}/{row['offset']}": row["state"]
        for row in map(json.loads, capsys.readouterr().out.splitlines())
    }
    assert (states[wrong], states[lost]) == ("replayed", "discarded")


def test_a_repair_that_was_overtaken_by_another_publishes_nothing(archive: ArchiveProcess) -> None:
    user = new_id()
    good = views(1, user)[0]
    send((CONTENT.name, good.encode().replace(b'"clicks":2', b'"clicks":"two"')))
    [letter] = until(lambda: dead_letters(user), "it is a dead letter")
    slow = Desk()
    Desk().resolve([(letter, None)])
    with pytest.raises(Retryable, match="nothing was published"):
        slow.resolve([(letter, good)])
    assert read().resolutions[letter.message_key].resolution == "discarded"
