"""How fast do the Flink jobs take a topic's content, beside only reading and parsing it?

Real OULAD events (generated ones where shared/data is not there) go into a topic of their own; the
jobs' own SQL, bounded at the topic's end, writes into tables and a topic of their own. So the
running stack's totals stay as they are. LMS_BENCH_EVENTS sets how many (default 500,000).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import psutil
from confluent_kafka.cimpl import NewTopic

from contracts.envelope import wrap
from contracts.errors import Retryable
from contracts.events.content import ContentViewed
from contracts.ids import DEFAULT_INSTITUTION, named_id
from contracts.topics import CONTENT, DUPLICATES, FEATURES
from pipelines import application, cluster, schema
from pipelines.job import Upsert, catalogue
from stack import kafka, postgres
from stack.local.record import all_recorded, recorded
from stack.profile import REPOSITORY

NAME = "bench-stream"
CONTENT_COPY, FEATURES_COPY = "bench.content.events", "bench.features"
DUPLICATES_COPY = "bench.duplicates"
OULAD = Path(os.environ.get("LMS_DATA_DIR", REPOSITORY.parent / "shared" / "data")) / "oulad"
TIMEOUT_S = 300.0

Row = tuple[str, str, str, str, int, datetime]
"""Learner, course, item, kind, clicks, moment."""


def run() -> dict[str, float | int | str]:
    """Rates in events/s from the job's start to its end (submission apart), memory in MB."""
    count = int(os.environ.get("LMS_BENCH_EVENTS", "500000"))
    schema.prepare()
    real = (OULAD / "studentVle.parquet").exists()
    tables = [
        sink.table
        for job in catalogue().values()
        for sink in job.writes
        if isinstance(sink, Upsert)
    ]
    _make_room(tables)
    try:
        _publish(_oulad(count) if real else _generated(count))
        read_s, read_cpu_s, _ = _measure(*_read_only())
        took_s, cpu_s, peak_mb = _measure(*_jobs(tables))
        counted = _counted()
    finally:
        _clear(tables)
    if counted != count:
        raise Retryable(f"{count} events were published, {counted} counted: this is no measurement")
    return {
        "source": "OULAD" if real else "generated",
        "events": count,
        "events_per_s": round(count / took_s),
        "read_limit_events_per_s": round(count / read_s),
        "ratio_to_read_limit": round(read_s / took_s, 3),
        # What a busy machine does not change as much as the rates above.
        "taskmanager_cpu_us_per_event": round(cpu_s / count * 1e6, 1),
        "taskmanager_cpu_us_per_event_read_only": round(read_cpu_s / count * 1e6, 1),
        "peak_rss_mb": peak_mb,
    }


def _jobs(tables: list[str]) -> tuple[list[str], list[str]]:
    """The definitions and statements of all jobs, turned to the copies."""
    jobs = list(catalogue().values())
    definitions = []
    for text in application.definitions(jobs):
        text = text.replace(f"'{CONTENT.name}'", f"'{CONTENT_COPY}'")
        text = text.replace(f"'{FEATURES.name}'", f"'{FEATURES_COPY}'")
        text = text.replace(f"'{DUPLICATES.name}'", f"'{DUPLICATES_COPY}'")
        text = text.replace(
            "'scan.startup.mode' = 'earliest-offset'",
            "'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset'",
        )
        for table in tables:
            text = text.replace(f"'table-name' = '{table}'", f"'table-name' = 'bench_{table}'")
        definitions.append(text)
    return definitions, application.statements(jobs)


def _read_only() -> tuple[list[str], list[str]]:
    definitions, _ = _jobs([])
    source = next(text for text in definitions if "content_messages (" in text)
    sink = (
        "CREATE TEMPORARY TABLE nothing (a STRING, b STRING, c STRING, d STRING, e STRING) "
        "WITH ('connector' = 'blackhole')"
    )
    read = (
        "INSERT INTO nothing SELECT `timestamp`, institution_id, payload.user_id, "
        "payload.course_id, payload.clicks FROM content_messages"
    )
    return [source, sink], [read]


def _measure(definitions: list[str], statements: list[str]) -> tuple[float, float, int]:
    """Seconds from start to end of the job, CPU seconds of the TaskManager, and peak memory."""
    cpu_before_s = _taskmanager_cpu_s()
    job_id = application.start(application.build(definitions, statements, name=NAME))
    deadline, peak = time.monotonic() + TIMEOUT_S, 0
    while (state := cluster.state(job_id)) != "FINISHED":
        if state in cluster.ENDED:
            raise Retryable(f"the job is {state}: {cluster.failure(job_id)}")
        if time.monotonic() > deadline:
            cluster.cancel(job_id)
            raise Retryable(f"the job has not ended within {TIMEOUT_S:.0f} s")
        peak = max(peak, _memory_mb())
        time.sleep(0.1)
    return cluster.duration_s(job_id), _taskmanager_cpu_s() - cpu_before_s, peak


def _taskmanager_cpu_s() -> float:
    record = recorded("taskmanager")
    if record is None:
        raise Retryable("no TaskManager runs here: learnstream up")
    used = psutil.Process(record.pid).cpu_times()
    return float(used.user + used.system)


def _memory_mb() -> int:
    found = 0
    for record in all_recorded():
        try:
            process = psutil.Process(record.pid)
            for one in (process, *process.children(recursive=True)):
                found += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return found // 1_000_000


def _publish(rows: Iterator[Row]) -> None:
    producer = kafka.producer(**{"linger.ms": 50, "queue.buffering.max.messages": 1_000_000})
    for number, (user, course, item, kind, clicks, at) in enumerate(rows):
        event = ContentViewed(
            user_id=user, course_id=course, item_id=item, kind=kind, clicks=clicks
        )
        envelope = wrap(
            event,
            institution_id=DEFAULT_INSTITUTION,
            source_service="bench",
            timestamp=at,
            event_id=named_id("bench", number),
        )
        producer.produce(CONTENT_COPY, envelope.encode(), user)
        if number % 10_000 == 0:
            producer.poll(0)
    producer.flush(60)


def _oulad(count: int) -> Iterator[Row]:
    """The first ``count`` rows of the learners' history, in its order."""
    found = duckdb.connect().execute(
        f"""
        SELECT id_student, code_module || code_presentation, id_site, activity_type, sum_click,
               CASE code_presentation WHEN '2013B' THEN DATE '2013-02-01'
                    WHEN '2013J' THEN DATE '2013-10-01' ELSE DATE '2014-02-01' END + date::int
        FROM '{OULAD}/studentVle.parquet'
        JOIN '{OULAD}/vle.parquet' USING (code_module, code_presentation, id_site)
        ORDER BY 6, 2, 1, 3 LIMIT {count}
        """
    )
    ids: dict[object, str] = {}
    while rows := found.fetchmany(50_000):
        for learner, course, item, kind, clicks, day in rows:
            for one in (learner, course, item):
                if one not in ids:
                    ids[one] = named_id("bench", one)
            at = datetime(day.year, day.month, day.day, tzinfo=UTC)
            yield ids[learner], ids[course], ids[item], kind, clicks, at


def _generated(count: int) -> Iterator[Row]:
    """Twenty thousand learners in twenty courses over two hundred days, a few of them each day."""
    learners = [named_id("bench", "learner", n) for n in range(20_000)]
    courses = [named_id("bench", "course", n) for n in range(20)]
    items = [named_id("bench", "item", n) for n in range(4_000)]
    start = datetime(2014, 1, 1, tzinfo=UTC).timestamp()
    for n in range(count):
        at = datetime.fromtimestamp(start + n * 200 * 86_400 // count, UTC)
        learner = n * 7919 % 20_000
        kind = ("page", "video", "quiz", "forum")[n % 4]
        yield learners[learner], courses[learner % 20], items[n * 31 % 4_000], kind, n % 9 + 1, at


def _make_room(tables: list[str]) -> None:
    _clear(tables)
    client = kafka.admin()
    partitions = kafka.KafkaSettings().partitions
    topics = [
        NewTopic(name, partitions, 1) for name in (CONTENT_COPY, FEATURES_COPY, DUPLICATES_COPY)
    ]
    for future in client.create_topics(topics).values():
        future.result(30)
    with postgres.connect_analytics() as connection:
        for table in tables:
            connection.execute(f"CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL)")
            if table.startswith("course_activity"):
                connection.execute(
                    f"SELECT create_hypertable('bench_{table}', by_range('bucket_at', "
                    "INTERVAL '30 days'), create_default_indexes => FALSE)"
                )


def _clear(tables: list[str]) -> None:
    client = kafka.admin()
    there = client.list_topics(timeout=30).topics
    gone = [name for name in (CONTENT_COPY, FEATURES_COPY, DUPLICATES_COPY) if name in there]
    if gone:
        for future in client.delete_topics(gone, operation_timeout=30).values():
            future.result(30)
        while set(gone) & set(client.list_topics(timeout=30).topics):
            time.sleep(0.1)
    with postgres.connect_analytics() as connection:
        for table in tables:
            connection.execute(f"DROP TABLE IF EXISTS bench_{table}")


def _counted() -> int:
    with postgres.connect_analytics() as connection:
        found = connection.execute("SELECT sum(events)::bigint FROM bench_course_activity_day")
        return int((found.fetchone() or (0,))[0] or 0)
