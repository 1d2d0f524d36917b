"""The jobs change while they run: state is kept, refused, rebuilt, forgotten; sums stay right."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.errors import Misconfigured
from contracts.ids import new_id
from contracts.topics import CONTENT, EVENT_TOPICS
from pipelines import application, cluster, operation, rebuild, start
from pipelines.archive.consumer import Archive
from pipelines.derive import rebuild as derived
from pipelines.derive.engine import Engine
from pipelines.job import Job, catalogue
from stack import kafka, postgres
from stack.profile import Profile, profile
from tests.pipelines.messages import viewed
from tests.pipelines.test_derive import drain
from tests.pipelines.test_jobs import rows, totals
from tests.topics import ends
from tests.waiting import until_equal

pytestmark = pytest.mark.integration

NOON = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)
TABLES = [f"course_activity_{grain}" for grain in ("minute", "hour", "day")]
JOB = catalogue()["course_activity"]
TTL_S = 8


@dataclass(frozen=True)
class Changed(Job):
    """``course_activity`` with other statements."""

    other: tuple[str, ...] = ()

    def statements(self) -> list[str]:
        return list(self.other)


def changed(writes: tuple[int, ...], old: str = "", new: str = "") -> dict[str, Job]:
    """A catalogue in which the job writes its tables of these numbers, in this order."""
    statements = JOB.statements()
    other = tuple(statements[number].replace(old, new) for number in writes)
    tables = tuple(JOB.tables[number] for number in writes)
    return {JOB.name: Changed(JOB.name, JOB.about, JOB.reads, tables, other=other)}


@pytest.fixture(scope="module", autouse=True)
def running(flink: Profile) -> Iterator[None]:
    stop = threading.Event()
    archive = threading.Thread(target=Archive(stop).run)
    archive.start()
    operation.submit()
    yield
    stop.set()
    archive.join()
    # As on the first day: what follows in this stack knows nothing of the short memory here.
    operation.cancel()
    with postgres.connect_analytics() as connection:
        connection.execute(f"TRUNCATE stream_start, {', '.join(TABLES)}".encode())
    (profile().run / "jobs.json").unlink()


def publish(*messages: bytes | None) -> None:
    """Into one partition: of the others, some have never had a message."""
    producer = kafka.producer()
    for value in messages:
        producer.produce(CONTENT.name, value, partition=0)
    assert producer.flush(30) == 0


def archived(course_id: str) -> tuple[int, int]:
    with postgres.connect_analytics() as connection:
        return connection.execute(  # type: ignore[return-value]
            "SELECT count(*)::int, coalesce(sum(clicks), 0)::int FROM activity_events "
            "WHERE course_id = %s",
            (course_id,),
        ).fetchone()


def summed(table: str, course_id: str) -> tuple[int, int]:
    found = rows(table, course_id, "events::int, clicks::int")
    return sum(events for events, _ in found), sum(clicks for _, clicks in found)


def test_an_idle_partition_stops_nothing() -> None:
    """All into one partition; the others, as whole topics, stay as they are."""
    topics = [topic.name for topic in EVENT_TOPICS]
    course_id, before = new_id(), ends(*topics)
    publish(*(viewed(NOON, course_id=course_id) for _ in range(4)))
    assert {place for place, end in ends(*topics).items() if end != before[place]} == {
        (CONTENT.name, 0)
    }
    until_equal(lambda: [summed(table, course_id) for table in TABLES], [(4, 4)] * 3)
    until_equal(lambda: archived(course_id), (4, 4))
    with closing(Engine()) as engine:
        derived.begin(engine)
        drain(engine)
    with postgres.connect_analytics() as connection:
        counted = connection.execute(
            "SELECT events FROM course_learners_day WHERE course_id = %s", [course_id]
        ).fetchall()
    assert counted == [(4,)]


def test_an_upgrade_that_fits_goes_on_from_the_savepoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of three tables in another order: another plan, in which every sum is found again."""
    course_id = new_id()
    publish(*(viewed(NOON + timedelta(minutes=n), course_id=course_id) for n in range(3)))
    until_equal(lambda: [summed(table, course_id) for table in TABLES], [(3, 3)] * 3)
    before = operation.read().job_id
    monkeypatch.setattr(operation, "catalogue", lambda: changed((1, 0)))
    assert "savepoint" in operation.submit()
    assert operation.read().job_id != before
    publish(*(viewed(NOON + timedelta(minutes=n), course_id=course_id) for n in range(2)))
    until_equal(lambda: [summed(table, course_id) for table in TABLES[:2]], [(5, 5)] * 2)
    until_equal(lambda: archived(course_id), (5, 5))
    assert summed(TABLES[2], course_id) == (3, 3), "nobody wanted the days any more"


def test_an_upgrade_that_does_not_fit_is_refused_before_anything_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = operation.read()
    other = changed((1, 0), "SUM(weight)", "SUM(weight * 2)")
    monkeypatch.setattr(operation, "catalogue", lambda: other)
    reason = "course_activity_hour is made by another statement"
    with pytest.raises(Misconfigured, match=reason) as refused:
        operation.submit()
    assert "./learnstream rebuild course_activity --from-archive" in refused.value.message
    assert operation.read() == before
    alive = cluster.running(application.NAME)
    assert alive is not None
    assert (alive.job_id, alive.state) == (before.job_id, "RUNNING")


def test_a_rebuild_swaps_whole_tables_in_and_begins_anew_where_they_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With events sent all the while, and readers who never see less than they saw before."""
    monkeypatch.setenv("LMS_FLINK_STATE_TTL_H", str(TTL_S / 3600))
    course_id, old = new_id(), operation.read().job_id
    publish(*(viewed(NOON, course_id=course_id, clicks=2) for _ in range(40)))
    until_equal(lambda: summed(TABLES[0], course_id), (40, 80))
    generation = start.current().generation
    with reading(course_id) as seen, publishing(course_id) as sent:
        rebuild.rebuild([JOB])
        until_equal(lambda: len(sent) > 20, True)
    assert start.current().generation == generation + 1
    assert operation.read().job_id != old
    count = 40 + len(sent)
    until_equal(lambda: [summed(t, course_id) for t in TABLES], [(count, 2 * count)] * 3)
    until_equal(lambda: archived(course_id), (count, 2 * count))
    assert len(seen) > 5
    assert seen == sorted(seen), "a reader saw less than before"
    assert seen[0] == 40


@contextmanager
def reading(course_id: str) -> Iterator[list[int]]:
    """What a reader of the minutes sees, again and again."""
    seen: list[int] = []
    stop = threading.Event()

    def read() -> None:
        with postgres.connect_analytics(autocommit=True) as connection:
            while not stop.wait(0.02):
                (events,) = connection.execute(
                    "SELECT coalesce(sum(events), 0)::int FROM course_activity_minute "
                    "WHERE course_id = %s",
                    [course_id],
                ).fetchone() or (0,)
                seen.append(events)

    with _thread(read, stop):
        yield seen


@contextmanager
def publishing(course_id: str) -> Iterator[list[Any]]:
    """An event now and then, on every partition."""
    sent: list[Any] = []
    stop = threading.Event()

    def send() -> None:
        producer = kafka.producer()
        while not stop.wait(0.2):
            value = viewed(NOON, course_id=course_id, clicks=2)
            producer.produce(CONTENT.name, value)
            producer.flush()
            sent.append(value)

    with _thread(send, stop):
        yield sent


@contextmanager
def _thread(work: Any, stop: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_an_event_later_than_the_state_is_kept_adds_to_its_bucket() -> None:
    """The jobs run with the short memory of the test before; nothing forgotten is written over."""
    plan = json.loads((profile().run / "plan.json").read_text())
    kept = [state["ttl"] for node in plan["nodes"] for state in node.get("state") or ()]
    assert len(kept) >= 4, "three sums, and the repeated messages"
    assert set(kept) == {f"{TTL_S} s"}, "what is remembered is remembered for so long"
    course_id = new_id()
    publish(*(viewed(NOON, course_id=course_id) for _ in range(5)))
    until_equal(lambda: [summed(table, course_id) for table in TABLES], [(5, 5)] * 3)
    time.sleep(TTL_S + 1)  # the time that is the matter of this test
    publish(viewed(NOON, course_id=course_id, clicks=7))
    until_equal(lambda: [summed(table, course_id) for table in TABLES], [(6, 12)] * 3)
    with postgres.connect_analytics() as connection:
        parts = connection.execute(
            "SELECT events FROM course_activity_minute WHERE course_id = %s ORDER BY part",
            [course_id],
        ).fetchall()
    assert parts == [(5,), (1,)]
    until_equal(lambda: totals(course_id), archived(course_id))
