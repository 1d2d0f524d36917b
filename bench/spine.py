"""How fast does a real history come from files through Kafka and Flink into TimescaleDB, verified?

Imports OULAD into an empty profile that is up (LMS_BENCH_OULAD names the folder; default: all of it
in ../shared/data/oulad, else the sample in the repository) and waits until every store holds every
event, which ``learnstream verify`` proves. ``events_per_s`` counts from the start of the import
to the last row of the last store. The yardstick is a plain producer of the same messages alone.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from confluent_kafka import KafkaException
from confluent_kafka.cimpl import NewTopic

from contracts.envelope import wrap
from contracts.errors import LearnstreamError, Misconfigured
from contracts.events.content import ContentViewed
from contracts.ids import DEFAULT_INSTITUTION, new_id
from imports.oulad.service import import_oulad
from pipelines.verify.behind import wait_until_idle
from pipelines.verify.reconcile import verify
from stack import kafka
from stack.local.report import statuses
from stack.postgres import connect_analytics, connect_lms
from stack.profile import REPOSITORY

SHARED = Path(os.environ.get("LMS_DATA_DIR", REPOSITORY.parent / "shared" / "data")) / "oulad"
SAMPLE = REPOSITORY / "data" / "oulad-sample"
DEADLINE_S = 900.0
YARDSTICK_EVENTS = 500_000

WRITTEN = (
    "SELECT (SELECT coalesce(sum(events), 0) FROM course_activity_minute)::bigint, "
    "(SELECT coalesce(sum(events), 0) FROM course_activity_hour)::bigint, "
    "(SELECT coalesce(sum(events), 0) FROM course_activity_day)::bigint, "
    "(SELECT coalesce(sum(content_events), 0) FROM derive_position)::bigint"
)


class NotEqual(LearnstreamError):
    """The stores differ, or never got there: there is no speed to report."""


def run() -> dict[str, float | int | str]:
    source = Path(os.environ.get("LMS_BENCH_OULAD", SHARED if SHARED.is_dir() else SAMPLE))
    must_be_empty()
    with _memory() as peak_mb:
        started = time.monotonic()
        done = import_oulad(source, DEFAULT_INSTITUTION)
        imported_s = time.monotonic() - started
        assert done.run.events is not None
        _wait_for(WRITTEN, done.run.events["content.viewed"], started)
        aggregated_s = time.monotonic() - started
        # More than was published: the LMS answers events with its own.
        if waiting := wait_until_idle(DEADLINE_S):
            raise NotEqual(f"not idle: {waiting}")
        complete_s = time.monotonic() - started
        report = verify(wait_s=DEADLINE_S)
    if not report.equal:
        raise NotEqual(f"not equal: {report.trouble or report.difference}")
    content = report.totals["content_day"]
    yardstick = _producing_alone()
    return {
        "source": source.name,
        "events": done.published,
        "content_events": content["events"],
        "clicks": content["clicks"],
        "events_per_s": round(done.published / complete_s),
        "import_s": round(imported_s, 1),
        **{f"import_{phase}_s": round(seconds, 1) for phase, seconds in done.seconds.items()},
        "until_aggregated_s": round(aggregated_s, 1),
        "until_complete_s": round(complete_s, 1),
        "verify_s": round(report.seconds, 1),
        "publish_events_per_s": round(done.published / done.seconds["publish"]),
        "yardstick_producer_events_per_s": round(yardstick),
        "peak_rss_mb": round(peak_mb[0]),
        "verdict": "equal",
    }


def must_be_empty() -> None:
    """Raises ``Misconfigured`` unless the profile has neither imports nor aggregates."""
    with connect_lms() as lms, connect_analytics() as analytics:
        runs = lms.execute("SELECT count(*) FROM import_runs").fetchone()
        rows = analytics.execute(WRITTEN).fetchone()
    if (runs and runs[0]) or (rows and any(rows)):
        raise Misconfigured(
            "this benchmark starts from nothing: learnstream wipe --all --yes, learnstream up, and "
            "again (LMS_LOCAL_NAME and LMS_LOCAL_PORT_OFFSET give it a profile of its own)"
        )


def _wait_for(question: str, expected: int, started: float) -> None:
    while True:
        with connect_analytics() as connection:
            row = connection.execute(question.encode()).fetchone() or ()
        if all(count == expected for count in row):
            return
        if time.monotonic() - started > DEADLINE_S:
            raise NotEqual(f"after {DEADLINE_S:.0f} s: {row} of {expected}")
        time.sleep(0.5)


@contextmanager
def _memory() -> Iterator[list[float]]:
    """The highest sum, in MiB, of all components and this process use together.

    Shared pages count once (PSS): every Postgres process maps the same buffers.
    """
    roots = [psutil.Process(one.pid) for one in statuses() if one.pid]
    highest, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(1.0):
            total = sum(_pss(process) for process in [psutil.Process(), *_families(roots)])
            highest[0] = max(highest[0], total / 2**20)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield highest
    finally:
        over.set()
        thread.join()


def _families(roots: list[psutil.Process]) -> set[psutil.Process]:
    found = set()
    for root in roots:
        try:
            found |= {root, *root.children(recursive=True)}
        except psutil.NoSuchProcess:
            continue
    return found


def _pss(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0.0


def _producing_alone() -> float:
    """Events per second of a plain idempotent producer with messages of the same size."""
    topic = f"bench-spine-{new_id()}"
    admin = kafka.admin()
    new: Any = NewTopic(topic, num_partitions=kafka.KafkaSettings().partitions)
    admin.create_topics([new])[topic].result(30)
    event = ContentViewed(user_id=new_id(), course_id=new_id(), item_id=new_id(), kind="resource")
    value = wrap(event, institution_id=new_id(), source_service="bench").encode()
    keys = [new_id() for _ in range(5_000)]
    producer = kafka.producer(
        **{"queue.buffering.max.messages": YARDSTICK_EVENTS, "batch.size": 512 * 1024}
    )
    try:
        started = time.monotonic()
        for number in range(YARDSTICK_EVENTS):
            producer.produce(topic, value, keys[number % len(keys)])
        if producer.flush(120):
            raise KafkaException("the yardstick's messages did not arrive")
        return YARDSTICK_EVENTS / (time.monotonic() - started)
    finally:
        admin.delete_topics([topic])[topic].result(30)
