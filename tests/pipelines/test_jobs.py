"""The Flink jobs on the real parts: late, malformed, killed, cancelled; the sums end right."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.cimpl import NewTopic

from contracts.envelope import decode
from contracts.errors import Rejected
from contracts.ids import new_id
from contracts.topics import CONTENT
from pipelines import application, cluster, operation, record, start
from pipelines.archive.consumer import Archive
from pipelines.job import catalogue
from pipelines.start import Start
from stack import kafka, postgres
from stack.local.record import recorded
from stack.profile import Profile
from tests.pipelines.messages import corpus, lenient, viewed
from tests.waiting import until_equal

pytestmark = pytest.mark.integration

NOON = datetime(2014, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def running(flink: Profile) -> Iterator[None]:
    operation.submit()
    yield
    operation.cancel()


def publish(messages: Iterable[bytes | None]) -> None:
    producer = kafka.producer()
    for value in messages:
        producer.produce(CONTENT.name, value)
    assert producer.flush(30) == 0


def rows(table: str, course_id: str, columns: str = "bucket_at, events, clicks") -> list[Any]:
    with postgres.connect_analytics() as connection:
        return connection.execute(
            f"SELECT {columns} FROM (SELECT bucket_at, institution_id, course_id, kind, "
            "sum(events)::bigint AS events, sum(clicks)::bigint AS clicks "
            f"FROM {table} WHERE course_id = %s GROUP BY 1, 2, 3, 4) AS of_parts ORDER BY 1",
            (course_id,),
        ).fetchall()


def totals(course_id: str) -> tuple[int, int]:
    found = rows("course_activity_day", course_id, "events::int, clicks::int")
    return sum(events for events, _ in found), sum(clicks for _, clicks in found)


def test_the_planner_is_spoken_to_in_one_thread_whatever_is_collected_meanwhile() -> None:
    """Another thread of Java knows nothing of the metadata: the plan would fail now and then."""
    from pyflink.java_gateway import get_gateway

    application.explain(list(catalogue().values()))
    connections = get_gateway()._gateway_client.deque
    of_java = get_gateway().jvm.java.lang.Object()
    busy = connections.pop()  # as while a call is under way
    del of_java
    assert not connections, "Java released it over another connection"
    connections.append(busy)


def test_an_event_is_counted_in_its_minute_hour_and_day() -> None:
    course_id, user_id = new_id(), new_id()
    publish(
        [
            viewed(NOON.replace(minute=m), course_id=course_id, user_id=user_id, clicks=m + 1)
            for m in (0, 0, 59)
        ]
    )
    until_equal(
        lambda: rows("course_activity_minute", course_id),
        [(NOON, 2, 2), (NOON.replace(minute=59), 1, 60)],
    )
    until_equal(lambda: rows("course_activity_hour", course_id), [(NOON, 3, 62)])
    day = NOON.replace(hour=0)
    until_equal(lambda: rows("course_activity_day", course_id), [(day, 3, 62)])


def test_a_late_event_corrects_its_bucket() -> None:
    course_id = new_id()
    publish([viewed(NOON, course_id=course_id)])
    publish([viewed(NOON.replace(year=2026), course_id=course_id)])
    buckets = [NOON, NOON.replace(year=2026)]
    until_equal(lambda: rows("course_activity_minute", course_id), [(at, 1, 1) for at in buckets])
    publish([viewed(NOON, course_id=course_id, clicks=5)])
    until_equal(
        lambda: rows("course_activity_minute", course_id), [(buckets[0], 2, 6), (buckets[1], 1, 1)]
    )


def test_flink_and_the_contract_accept_and_refuse_the_same_messages() -> None:
    messages = corpus()
    by_contract = {name: accepts(value) for name, _, value in messages}
    assert sum(by_contract.values()) >= 10, "the corpus has messages that are right"
    judged_as(by_contract, messages)
    assert cluster.state(operation.read().job_id or "") == "RUNNING"


def test_what_flink_takes_though_the_contract_refuses_it_is_known() -> None:
    """Should one of these be refused by Flink one day, ADR 0002 has one exception less."""
    messages = lenient()
    judged_as({name: True for name, _, _ in messages}, messages)
    assert not any(accepts(value) for _, _, value in messages)


def judged_as(expected: dict[str, bool], messages: Sequence[tuple[str, str, bytes | None]]) -> None:
    """Publish the messages; whether Flink counts each is, by name, as ``expected``."""
    end = new_id()
    # One partition: when the last message is counted, all before it have been judged. The sink
    # writes them in parallel, so the last one's row may be seen a moment before another's.
    producer = kafka.producer()
    for value in (*(value for _, _, value in messages), viewed(NOON, course_id=end)):
        producer.produce(CONTENT.name, value, partition=0)
    producer.flush(30)
    until_equal(lambda: totals(end), (1, 1))
    until_equal(
        lambda: {name: totals(course_id)[0] == 1 for name, course_id, _ in messages},
        expected,
        within_s=20,
    )


def accepts(value: bytes | None) -> bool:
    try:
        decode(CONTENT.name, value)
    except Rejected:
        return False
    return True


def test_killing_the_taskmanager_midway_leaves_the_sums_exact() -> None:
    course_id, learners = new_id(), [new_id() for _ in range(50)]
    publish(viewed(NOON, course_id=course_id, user_id=learners[n % 50]) for n in range(5_000))
    until_equal(lambda: totals(course_id)[0] > 0, True)
    taskmanager = recorded("taskmanager")
    assert taskmanager is not None
    os.kill(taskmanager.pid, signal.SIGKILL)
    publish(viewed(NOON, course_id=course_id, user_id=learners[n % 50]) for n in range(5_000))
    until_equal(lambda: totals(course_id), (10_000, 10_000), within_s=180)
    # Each table has its own sink, which writes at its own moment.
    until_equal(lambda: rows("course_activity_minute", course_id), [(NOON, 10_000, 10_000)])


def test_a_message_sent_again_counts_once_in_every_table() -> None:
    """The archive finds out, the jobs take it back; before, they may have counted it."""
    course_id, user_id = new_id(), new_id()
    events = [viewed(NOON, course_id=course_id, user_id=user_id, clicks=n + 1) for n in range(20)]
    publish([*events, *events[:7], *events[3:9], events[0]])
    stop = threading.Event()
    archive = threading.Thread(target=Archive(stop).run)
    archive.start()
    try:
        until_equal(lambda: totals(course_id), (20, 210))
        for table in ("course_activity_minute", "course_activity_hour"):
            until_equal(lambda t=table: [row[1:] for row in rows(t, course_id)], [(20, 210)])
        publish(events[:2])  # once more, long after
        publish([viewed(NOON.replace(hour=15), course_id=course_id, user_id=user_id)])
        until_equal(lambda: rows("course_activity_hour", course_id)[-1][1:], (1, 1))
        until_equal(lambda: totals(course_id), (21, 211))
    finally:
        stop.set()
        archive.join()


def test_a_cancelled_job_goes_on_from_its_savepoint_when_submitted_again() -> None:
    course_id = new_id()
    publish([viewed(NOON, course_id=course_id)])
    until_equal(lambda: totals(course_id), (1, 1))
    before = operation.read().job_id
    assert "stopped at" in operation.cancel()
    assert cluster.running(application.NAME) is None
    publish([viewed(NOON, course_id=course_id)])
    sentence = operation.submit()
    assert "savepoint" in sentence
    assert operation.read().job_id != before
    until_equal(lambda: totals(course_id), (2, 2))
    assert "already running" in operation.submit()


def test_jobs_that_the_cluster_forgot_are_restored_from_their_newest_checkpoint() -> None:
    course_id = new_id()
    publish([viewed(NOON, course_id=course_id)])
    until_equal(lambda: totals(course_id), (1, 1))
    job_id = operation.read().job_id
    assert job_id is not None
    counted = cluster.checkpoints(job_id)["counts"]["completed"]
    until_equal(lambda: cluster.checkpoints(job_id)["counts"]["completed"] > counted, True)
    cluster.cancel(job_id)
    publish([viewed(NOON, course_id=course_id)])
    assert f"{job_id}/chk-" in operation.restore()
    until_equal(lambda: totals(course_id), (2, 2))


def test_a_rebuild_in_batch_mode_over_the_archive_equals_the_stream() -> None:
    """Row by row, with duplicates and late events; what was wrong in the table is gone."""
    courses = [new_id() for _ in range(3)]
    sent = [
        viewed(NOON + timedelta(minutes=n * 37 % 4000), course_id=courses[n % 3], clicks=n % 5 + 1)
        for n in range(300)
    ]
    publish([*sent, *sent[:50]])
    stop = threading.Event()
    archive = threading.Thread(target=Archive(stop).run)
    archive.start()
    try:
        until_equal(lambda: sum(totals(course)[0] for course in courses), 300)
        tables = [f"course_activity_{grain}" for grain in ("minute", "hour", "day")]
        columns = "bucket_at, course_id::text, kind, events, clicks"

        def found() -> list[Any]:
            return [rows(table, course, columns) for table in tables for course in courses]

        until_equal(lambda: [sum(r[3] for r in each) for each in found()], [100] * 9)
        streamed = found()
        with postgres.connect_analytics() as connection:
            for table in tables:
                connection.execute(
                    f"UPDATE {table} SET events = 0 WHERE course_id = ANY(%s::uuid[])", [courses]
                )
        operation.recount(["course_activity"])
        assert found() == streamed
        assert cluster.running(application.NAME) is not None
        publish([viewed(NOON, course_id=courses[0])])  # and the stream goes on from there
        until_equal(lambda: totals(courses[0])[0], 101)
    finally:
        stop.set()
        archive.join()


def test_a_lost_state_is_counted_of_the_archive_where_kafka_no_longer_reaches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    courses = [new_id() for _ in range(2)]
    publish(
        [
            viewed(NOON + timedelta(minutes=n * 91 % 4000), course_id=courses[n % 2], clicks=2)
            for n in range(100, 200)
        ]
    )
    stop = threading.Event()
    archive = threading.Thread(target=Archive(stop).run)
    archive.start()
    try:
        until_equal(lambda: [totals(course)[0] for course in courses], [50, 50])
        streamed = [rows("course_activity_minute", course) for course in courses]
        alive = cluster.running(application.NAME)
        assert alive is not None
        cluster.cancel(alive.job_id)
        with operation.exclusive() as connection:  # nothing is remembered of what ran
            record.write(connection, operation.Record())
        before = start.current()["course_activity"].generation
        # As if Kafka had dropped all that was sent until now.
        monkeypatch.setattr(start, "expired", lambda begin, topics: f"{CONTENT.name}/0")
        sentence = operation.restore()
        assert "where the archive's count ended" in sentence
        assert start.current()["course_activity"].generation > before
        assert [rows("course_activity_minute", course) for course in courses] == streamed
        publish([viewed(NOON, course_id=courses[0])])  # and the stream goes on from there
        until_equal(lambda: totals(courses[0])[0], 51)
    finally:
        stop.set()
        archive.join()


def test_what_kafka_no_longer_has_is_seen_from_where_the_parts_begin() -> None:
    name, offsets = CONTENT.name, {"0": 0, "1": 0, "2": 0, "3": 0}
    assert start.expired(Start(0, {name: offsets}), [name]) is None
    admin = kafka.admin()
    topic = f"test-{new_id()}"
    [made] = admin.create_topics([NewTopic(topic, 2, 1)]).values()
    made.result(30)
    producer = kafka.producer()
    for _ in range(3):
        producer.produce(topic, b"x", partition=1)
    assert producer.flush(30) == 0
    assert start.expired(Start(), [topic]) is None
    [gone] = admin.delete_records([TopicPartition(topic, 1, 2)]).values()
    gone.result(30)
    assert start.expired(Start(), [topic]) == f"{topic}/1"
    assert start.expired(Start(1, {topic: {"1": 2}}), [topic]) is None
    admin.delete_topics([topic])
