"""A flood of messages that cannot be read stops the archive, and takes nothing away."""

from __future__ import annotations

import threading

import pytest

from contracts.dead_letters import DeadLetter
from contracts.envelope import Envelope
from contracts.errors import Misconfigured
from contracts.fixtures import example_envelope
from contracts.ids import new_id
from contracts.topics import CONTENT
from pipelines.archive.consumer import Archive
from pipelines.dead_letters import read
from stack import kafka, postgres
from stack.profile import Profile

pytestmark = pytest.mark.integration


def send(*messages: bytes) -> None:
    producer = kafka.producer()
    for message in messages:
        # One partition: what stands before the flood has been read when it is met.
        producer.produce(CONTENT.name, message, partition=0)
    assert producer.flush(30) == 0


def archived_until(event: Envelope) -> None:
    """Run the archive until ``event`` is in its table; raises what stops it."""
    stop, failed = threading.Event(), []

    def run() -> None:
        try:
            Archive(stop).run()
        except Misconfigured as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        with postgres.connect_analytics(autocommit=True) as connection:
            for _ in range(600):
                found = connection.execute(
                    "SELECT FROM activity_events WHERE event_id = %s", [event.event_id]
                ).fetchone()
                if found is not None or failed:
                    break
                stop.wait(0.1)
    finally:
        stop.set()
        thread.join(60)
    if failed:
        raise failed[0]
    assert found is not None


def letters_about(mark: str) -> list[DeadLetter]:
    return [letter for letter in read().all if mark.encode() in letter.message]


def test_past_the_limit_it_stops_with_the_reason_and_goes_on_where_it_stood(
    stack: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, last = (
        example_envelope("content.viewed").model_copy(update={"event_id": new_id()})
        for _ in range(2)
    )
    send(first.encode())
    archived_until(first)
    mark = new_id()
    monkeypatch.setenv("LMS_ARCHIVE_MAX_DEAD_LETTERS", str(len(read().open) + 5))
    send(*(f"{number} is no event {mark}".encode() for number in range(20)), last.encode())
    for _ in range(2):  # a restart changes nothing
        with pytest.raises(
            Misconfigured, match=r"LMS_ARCHIVE_MAX_DEAD_LETTERS is \d+\. .*not_json"
        ):
            archived_until(last)
        assert len(letters_about(mark)) <= 5
    monkeypatch.delenv("LMS_ARCHIVE_MAX_DEAD_LETTERS")
    archived_until(last)
    assert len(letters_about(mark)) == 20
