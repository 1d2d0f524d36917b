"""How fast do events get from a Postgres commit through the relay to Kafka's readers?

Writers commit to a throw-away database with fsync and synchronous_commit on, the real relay process
carries the events to a throw-away topic, and a read_committed consumer notes their arrival: an
event counts once it is readable. ``commit_to_kafka_*`` is arrival minus the return of COMMIT, at
500 single-event transactions per second. The yardstick sends the same bytes with a plain idempotent
producer in the same minute.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.cimpl import NewTopic

from contracts.envelope import wrap
from contracts.errors import LearnstreamError, Retryable
from contracts.events.content import ContentViewed
from contracts.ids import DEFAULT_INSTITUTION, new_id
from core_lms.migrate import migrate
from core_lms.outbox import APPEND, rows
from core_lms.outbox.channel import group_of
from stack import kafka
from stack.postgres import PostgresSettings
from stack.profile import REPOSITORY

EVENTS = 200_000
EVENTS_PER_COMMIT = 20
"""In the throughput run; the API commits one to three, a sync of offline work many."""
WRITERS = 4
SINGLES = 20_000
SINGLE_WRITERS = 16
"""The other end: each event its own transaction, as a busy API commits. Postgres is the limit."""
LEARNERS = 5_000

PACED_EVENTS = 5_000
PACED_PER_S = 500

WARM_UP = 500
PARTITIONS = 4
DEADLINE_S = 120.0

EVENT_ID = slice(len('{"event_id":"'), len('{"event_id":"') + 36)
"""Where an encoded envelope has its id: reading it must not cost what is measured."""

Parameters = dict[str, Any]


def run() -> dict[str, float | int | str]:
    """Needs Kafka and Postgres of the profile; leaves nothing behind in them."""
    name = f"bench_outbox_{new_id().replace('-', '')}"
    with _topic(name) as topic, _topic(f"{name}_plain") as plain_topic, _database(name) as url:
        transactions = _transactions(topic, EVENTS, EVENTS_PER_COMMIT)
        singles = _transactions(topic, SINGLES, 1)
        paced = _transactions(topic, PACED_EVENTS, 1)
        with _relay(url) as relay, Arrivals(topic) as arrivals:
            _write(url, _transactions(topic, WARM_UP, 1), WRITERS)
            arrivals.wait_for(expected := WARM_UP)
            started = time.monotonic()
            _write(url, transactions, WRITERS)
            committed_s = time.monotonic() - started
            arrivals.wait_for(expected := expected + EVENTS)
            events_per_s = EVENTS / (arrivals.last_at - started)

            started = time.monotonic()
            _write(url, singles, SINGLE_WRITERS)
            arrivals.wait_for(expected := expected + SINGLES)
            singles_per_s = SINGLES / (arrivals.last_at - started)

            plain_per_s = _plain(plain_topic, transactions)

            commits = _write_paced(url, paced)
            arrivals.wait_for(expected + PACED_EVENTS)
            delays_ms = sorted((arrivals.at[id_] - at) * 1000 for id_, at in commits.items())
            peak_rss_mb = _peak_rss_mb(relay.pid)
    return {
        "events_per_s": round(events_per_s),
        "commit_to_kafka_p50_ms": round(delays_ms[len(delays_ms) // 2], 1),
        "commit_to_kafka_p99_ms": round(delays_ms[len(delays_ms) * 99 // 100], 1),
        "peak_rss_mb": round(peak_rss_mb, 1),
        "events": EVENTS,
        "events_per_commit": EVENTS_PER_COMMIT,
        "committed_events_per_s": round(EVENTS / committed_s),
        "events_per_s_one_per_commit": round(singles_per_s),
        "paced_events_per_s": PACED_PER_S,
        "plain_producer_events_per_s": round(plain_per_s),
        "ratio_to_plain_producer": round(events_per_s / plain_per_s, 3),
    }


class Arrivals:
    """Reads a topic as everybody does and notes when each event came."""

    def __init__(self, topic: str) -> None:
        self.at: dict[bytes, float] = {}
        self.last_at = 0.0
        """Monotonic time of the last arrival; ``at`` is wall-clock time by event id."""
        self._total = 0
        self._stop = threading.Event()
        self._consumer = kafka.consumer(topic)
        self._consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Arrivals:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def _read(self) -> None:
        while not self._stop.is_set():
            messages = self._consumer.consume(5_000, timeout=0.002)
            if not messages:
                continue
            now = time.time()
            self.last_at = time.monotonic()
            for message in messages:
                value = message.value()
                if message.error() is None and value is not None:
                    self.at[value[EVENT_ID]] = now
                    self._total += 1

    def wait_for(self, total: int) -> None:
        """Raises where fewer or more events come: one lost or doubled spoils the figure."""
        deadline = time.monotonic() + DEADLINE_S
        while self._total < total:
            if time.monotonic() > deadline:
                raise Retryable(f"only {self._total} of {total} events came in {DEADLINE_S:.0f} s")
            time.sleep(0.002)
        if self._total != total or len(self.at) != total:
            raise LearnstreamError(f"{self._total} events came, {len(self.at)} of {total} differ")


def _transactions(topic: str, events: int, per_commit: int) -> list[Parameters]:
    """Made beforehand: the figure is the outbox's, not the generator's."""
    learners = [new_id() for _ in range(LEARNERS)]
    found = []
    for start in range(0, events, per_commit):
        envelopes = [
            wrap(
                ContentViewed(
                    user_id=learners[number % LEARNERS],
                    course_id=learners[0],
                    item_id=learners[number % 100],
                    kind="video",
                ),
                institution_id=DEFAULT_INSTITUTION,
                source_service="content-service",
            )
            for number in range(start, min(start + per_commit, events))
        ]
        found.append({**rows(*envelopes), "topics": [topic] * len(envelopes)})
    return found


def _write(url: str, transactions: Sequence[Parameters], writers: int) -> None:
    def work(share: Sequence[Parameters]) -> None:
        with psycopg.connect(url, autocommit=True, options="-c synchronous_commit=on") as writer:
            for transaction in share:
                writer.execute(APPEND, transaction)

    threads = [
        threading.Thread(target=work, args=(transactions[number::writers],))
        for number in range(writers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _write_paced(url: str, transactions: Sequence[Parameters]) -> dict[bytes, float]:
    """Event id → wall-clock time at which its COMMIT returned."""
    commits = {}
    with psycopg.connect(url, autocommit=True, options="-c synchronous_commit=on") as writer:
        started = time.monotonic()
        for number, transaction in enumerate(transactions):
            ahead_s = started + number / PACED_PER_S - time.monotonic()
            if ahead_s > 0:
                time.sleep(ahead_s)
            writer.execute(APPEND, transaction)
            commits[transaction["messages"][0].encode()[EVENT_ID]] = time.time()
    return commits


def _plain(topic: str, transactions: Sequence[Parameters]) -> float:
    """Events per second of an idempotent producer without transactions or a database."""
    producer = kafka.producer()
    started = time.monotonic()
    total = 0
    for transaction in transactions:
        for key, message in zip(transaction["keys"], transaction["messages"], strict=True):
            while True:
                try:
                    producer.produce(topic, message, key)
                    break
                except BufferError:
                    producer.poll(0.01)
            total += 1
    producer.flush(DEADLINE_S)
    return total / (time.monotonic() - started)


@contextmanager
def _topic(name: str) -> Iterator[str]:
    client = kafka.admin()
    factor = kafka.KafkaSettings().replication_factor
    try:
        made = client.create_topics([NewTopic(name, PARTITIONS, factor)])[name]
        made.result(10)
    except KafkaException as error:
        raise Retryable(f"Kafka is not there for a benchmark (learnstream up): {error}") from None
    try:
        yield name
    finally:
        client.delete_topics([name])[name].result(30)


@contextmanager
def _database(name: str) -> Iterator[str]:
    server = PostgresSettings().lms_url
    try:
        connection = psycopg.connect(server, autocommit=True)
    except psycopg.OperationalError as error:
        message = f"Postgres is not there for a benchmark (learnstream up): {error}"
        raise Retryable(message) from None
    with connection:
        for setting in ("fsync", "full_page_writes"):
            row = connection.execute(f"SHOW {setting}").fetchone()
            if row != ("on",):
                raise LearnstreamError(f"Postgres runs with {setting} off: nothing is durable")
        connection.execute(f"CREATE DATABASE {name}")
        url = psycopg.conninfo.make_conninfo(server, dbname=name)
        try:
            migrate(url)
            yield url
            _forget_group(url)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _forget_group(url: str) -> None:
    """The relay's progress in Kafka, which would outlive the database by a week."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT outbox_id::text FROM outbox_relay").fetchone()
    assert row is not None
    client = kafka.admin()
    for future in client.delete_consumer_groups([group_of(row[0])]).values():
        with suppress(KafkaException):  # a topic deleted meanwhile took the group with it
            future.result(10)


@contextmanager
def _relay(url: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "LMS_POSTGRES_LMS_URL": url,
    }
    command = [sys.executable, "-m", "core_lms.outbox"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _peak_rss_mb(pid: int) -> float:
    """The kernel's high-water mark where it has one, else what it uses now."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return float(psutil.Process(pid).memory_info().rss) / 2**20
    lines = status.read_text(encoding="ascii").splitlines()
    [peak] = [line for line in lines if line.startswith("VmHWM:")]
    return int(peak.split()[1]) / 1024
