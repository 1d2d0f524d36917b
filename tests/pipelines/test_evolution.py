"""The jobs change while they run: state is kept, refused, rebuilt, forgotten; sums stay right."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.envelope import wrap
from contracts.errors import Misconfigured
from contracts.fixtures import example
from contracts.ids import DEFAULT_INSTITUTION, new_id
from contracts.topics import ASSESSMENTS, CONTENT, EVENT_TOPICS
from pipelines import application, cluster, job, operation, schema, start
from pipelines.archive.consumer import Archive
from pipelines.derive import rebuild as derived
from pipelines.derive.engine import Engine
from pipelines.job import Job, catalogue
from stack import kafka, postgres
from stack.profile import Profile, profile
from tests.pipelines import coming
from tests.pipelines.coming import Changed
from tests.pipelines.messages import viewed
from tests.pipelines.test_derive import drain
from tests.pipelines.test_jobs import rows, totals
from tests.topics import ends
from tests.waiting import until, until_equal

# Processes that compile plans with Java of their own: a busy machine takes minutes.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

NOON = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)
TABLES = [f"course_activity_{grain}" for grain in ("minute", "hour", "day")]
JOB = catalogue()["course_activity"]
TTL_S = 8


def changed(writes: tuple[int, ...], old: str = "", new: str = "") -> dict[str, Job]:
    """A catalogue in which the job writes its tables of these numbers, in this order."""
    statements = JOB.statements()
    other = tuple(statements[number].replace(old, new) for number in writes)
    tables = tuple(JOB.tables[number] for number in writes)
    return {JOB.name: Changed(JOB.name, JOB.about, JOB.reads, tables, other=other)}


@pytest.fixture(scope="module", autouse=True)
def running(flink: Profile) -> Iterator[None]:
    """An installation that has one job only: each submission of many takes its time."""
    stop = threading.Event()
    archive = threading.Thread(target=Archive(stop).run)
    archive.start()
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(job, "catalogue", lambda: {JOB.name: JOB})
        operation.submit()
        yield
        stop.set()
        archive.join()
        operation.cancel()
    # As on the first day: what follows in this stack knows nothing of what came and went here.
    with postgres.connect_analytics() as connection:
        tables = ", ".join(TABLES)
        connection.execute(f"TRUNCATE job_starts, stream_application, {tables}".encode())
        connection.execute("INSERT INTO stream_application (wanted) VALUES ('{}')")
        connection.execute("DROP SCHEMA IF EXISTS stream_shadow CASCADE")
        connection.execute("DROP TABLE IF EXISTS course_work CASCADE")
    schema.prepare()


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
            "SELECT learners FROM course_learners_day WHERE course_id = %s", [course_id]
        ).fetchall()
    assert counted == [(4,)]


def test_an_upgrade_that_fits_goes_on_from_the_savepoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of three tables in another order: another plan, in which every sum is found again."""
    course_id = new_id()
    publish(*(viewed(NOON + timedelta(minutes=n), course_id=course_id) for n in range(3)))
    until_equal(lambda: [summed(table, course_id) for table in TABLES], [(3, 3)] * 3)
    before = operation.read().job_id
    monkeypatch.setattr(job, "catalogue", lambda: changed((1, 0)))
    assert "savepoint" in operation.submit()
    assert operation.read().job_id != before
    publish(*(viewed(NOON + timedelta(minutes=n), course_id=course_id) for n in range(2)))
    until_equal(lambda: [summed(table, course_id) for table in TABLES[:2]], [(5, 5)] * 2)
    until_equal(lambda: archived(course_id), (5, 5))
    assert summed(TABLES[2], course_id) == (3, 3), "nobody wanted the days any more"


def test_a_change_that_does_not_fit_is_refused_and_what_runs_runs_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = operation.read()
    other = changed((1, 0), "SUM(weight)", "SUM(weight * 2)")
    monkeypatch.setattr(job, "catalogue", lambda: other)
    reason = "course_activity_hour is made by another statement"
    with pytest.raises(Misconfigured, match=reason) as refused:
        operation.restore()
    assert "./learnstream jobs submit course_activity" in refused.value.message
    assert operation.read() == before
    alive = cluster.running(application.NAME)
    assert alive is not None
    assert (alive.job_id, alive.state) == (before.job_id, "RUNNING")


@pytest.fixture
def course_work(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Has this process know the other job in a version."""
    versions = {version: coming.catalogue(version) for version in coming.VERSIONS}
    return lambda version: monkeypatch.setattr(job, "catalogue", versions[version])


def test_a_job_of_two_topics_comes_while_events_come(course_work: Callable[[str], None]) -> None:
    """Whoever submits is killed at each step in turn; then every row is right, and of the other."""
    operation.submit([JOB.name])  # whatever became of it before
    old, course_id = start.current()[JOB.name], with_history()
    with publishing(course_id, hand_in):
        killed_after("day", "counted", "submit", "course_work")
        assert running_jobs() == {JOB.name}, "the others have not been stopped"
        killed_after("day", "stopped", "submit", "course_work")
        assert cluster.running(application.NAME) is None
        course_work("day")
        sentence = operation.restore()
        assert "savepoint" in sentence
        assert "refused: course_work (it is new here" in sentence
        assert running_jobs() == {JOB.name}
        killed_after("day", "swapped", "submit", "course_work")
        assert "savepoint" in operation.restore()
        assert running_jobs() == {JOB.name, "course_work"}
    right(course_id, "day")
    assert start.current()[JOB.name] == old, "the other one has gone on with its own"


def test_a_job_changes_while_events_come(course_work: Callable[[str], None]) -> None:
    course_work("day")
    operation.submit()
    old, course_id = start.current(), with_history()
    with publishing(course_id, hand_in):
        course_work("hour")
        sentence = operation.restore()
        assert "already running: course_activity" in sentence, "and the other one as it was"
        assert "course_work is made by another statement" in sentence
        killed_after("hour", "stopped", "submit", "course_work")
        assert "course_work is made by another statement" in operation.restore()
        assert running_jobs() == {JOB.name}
        killed_after("hour", "recorded", "submit", "course_work")
        assert "savepoint" in operation.submit(["course_work"])
    right(course_id, "hour")
    assert start.current()["course_work"].generation > old["course_work"].generation
    assert start.current()[JOB.name] == old[JOB.name]


def test_a_job_goes_and_comes_back_while_events_come(course_work: Callable[[str], None]) -> None:
    course_work("hour")
    operation.submit()
    old, course_id = start.current()[JOB.name], with_history()
    with publishing(course_id, hand_in):
        until(lambda: work(course_id), "it has rows")
        killed_after("hour", "stopped", "cancel", "course_work")
        assert "savepoint" in operation.restore()
        assert running_jobs() == {JOB.name}
        assert work(course_id), "its rows stay"
        assert "savepoint" in operation.submit(["course_work"])
    right(course_id, "hour")
    assert start.current()[JOB.name] == old
    operation.cancel(["course_work"])


def with_history() -> str:
    """A course of which something is in the archive."""
    course_id = new_id()
    publish(*(viewed(NOON + timedelta(hours=n), course_id=course_id) for n in range(30)))
    hand_in(course_id, 20)
    until_equal(lambda: archived(course_id)[0] >= 50, True)
    return course_id


def test_two_who_submit_at_once_make_one_application() -> None:
    operation.cancel()
    both = [coming.killed("day", "none", "submit", JOB.name) for _ in range(2)]
    said = [process.communicate(timeout=240)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted("already running" in text for text in said) == [False, True], said
    assert len(cluster.all_running(application.NAME)) == 1


def test_a_rebuild_swaps_whole_tables_in_and_begins_anew_where_they_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With events sent all the while, and readers who never see less than they saw before."""
    monkeypatch.setenv("LMS_FLINK_STATE_TTL_H", str(TTL_S / 3600))
    course_id, old = new_id(), operation.read().job_id
    publish(*(viewed(NOON, course_id=course_id, clicks=2) for _ in range(40)))
    until_equal(lambda: summed(TABLES[0], course_id), (40, 80))
    generation = start.current()[JOB.name].generation
    stop_if_running = operation._stop_if_running

    def stopped_while_events_come(turn: operation.Turn) -> None:
        """The archive gets these, and the source that goes on from the savepoint, too."""
        stop_if_running(turn)
        publish(*(viewed(NOON, course_id=course_id, clicks=2) for _ in range(10)))

    monkeypatch.setattr(operation, "_stop_if_running", stopped_while_events_come)
    with reading(course_id) as seen, publishing(course_id) as sent:
        operation.recount([JOB.name])
        until_equal(lambda: len(sent) > 20, True)
    assert start.current()[JOB.name].generation > generation
    assert operation.read().job_id != old
    count = 40 + 2 * 10 + len(sent)
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
def publishing(
    course_id: str, more: Callable[[str], None] = lambda course_id: None
) -> Iterator[list[Any]]:
    """An event now and then, on every partition, and ``more``."""
    sent: list[Any] = []
    stop = threading.Event()

    def send() -> None:
        producer = kafka.producer()
        while not stop.wait(0.2):
            value = viewed(NOON, course_id=course_id, clicks=2)
            producer.produce(CONTENT.name, value)
            producer.flush()
            more(course_id)
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
    assert len(kept) == 3, "of the sums; of repeated messages Flink's plan does not say it"
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


def killed_after(version: str, step: str, *action: str) -> None:
    process = coming.killed(version, step, *action)
    said, _ = process.communicate(timeout=240)
    assert process.returncode == -signal.SIGKILL, said


def running_jobs() -> set[str]:
    """The jobs of the application that runs, by what it writes."""
    alive = cluster.running(application.NAME)
    if alive is None:
        return set()
    assert alive.job_id == operation.read().job_id
    return set(operation.read().jobs)


def hand_in(course_id: str, count: int = 1) -> None:
    """Submissions into the topic of assessments."""
    producer = kafka.producer()
    for number in range(count):
        event = example("assessment.submitted", number).model_copy(update={"course_id": course_id})
        wrapped = wrap(
            event,
            institution_id=DEFAULT_INSTITUTION,
            source_service="test",
            timestamp=NOON + timedelta(hours=number),
        )
        producer.produce(ASSESSMENTS.name, wrapped.encode(), partition=number % 2)
    assert producer.flush(30) == 0


def right(course_id: str, bucket: str) -> None:
    """Both jobs' rows are what the archive has, each row of them."""
    until(
        lambda: [
            (work(course_id), summed(TABLES[0], course_id)),
            (expected(course_id, bucket), archived_content(course_id)),
        ],
        "both jobs' rows are what the archive has",
        accepts=lambda found: found[0] == found[1],
    )


def work(course_id: str) -> list[Any]:
    with postgres.connect_analytics() as connection:
        return connection.execute(
            "SELECT bucket_at, sum(events)::int, sum(done)::int FROM course_work "
            "WHERE course_id = %s GROUP BY 1 HAVING sum(events) <> 0 OR sum(done) <> 0 ORDER BY 1",
            [course_id],
        ).fetchall()


def expected(course_id: str, bucket: str) -> list[Any]:
    with postgres.connect_analytics() as connection:
        return connection.execute(
            "SELECT date_trunc(%s, timestamp, 'UTC'), "
            "(count(*) FILTER (WHERE topic = 'lms.content.events'))::int, "
            "(count(*) FILTER (WHERE event_type = 'assessment.submitted'))::int "
            "FROM activity_events WHERE course_id = %s GROUP BY 1 ORDER BY 1",
            [bucket, course_id],
        ).fetchall()


def archived_content(course_id: str) -> tuple[int, int]:
    with postgres.connect_analytics() as connection:
        return connection.execute(  # type: ignore[return-value]
            "SELECT count(*)::int, coalesce(sum(clicks), 0)::int FROM activity_events "
            "WHERE course_id = %s AND topic = 'lms.content.events'",
            [course_id],
        ).fetchone()
