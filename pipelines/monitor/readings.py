"""The readings: each a number with a name, taken from Kafka, Flink and the analytical database."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from confluent_kafka import KafkaException, TopicPartition

from contracts.errors import Retryable
from contracts.topics import DEAD_LETTERS, EVENT_TOPICS, FEATURES
from pipelines import application, cluster, operation
from pipelines.dead_letters import Mailbox
from stack import kafka, postgres
from stack.queries import load

_arrivals, _freshness, _skew = (
    (Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")
    for name in ("arrivals", "freshness", "skew")
)
_HEARTBEAT = load(__file__, "heartbeat.sql")
_DRIFT = load(__file__, "drift.sql")
_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Reading:
    """``name`` and ``labels`` as Prometheus has them; names end in their unit."""

    name: str
    value: float
    labels: dict[str, str] = field(default_factory=dict)


ABOUT = {
    "learnstream_component_up": "whether a component answered the last time (1) or not (0)",
    "learnstream_job_running": "whether a wanted Flink job runs",
    "learnstream_job_restarts": "restarts of the Flink application since it was submitted",
    "learnstream_checkpoint_age_seconds": "since the newest completed checkpoint was triggered",
    "learnstream_checkpoint_size_bytes": "state in the newest completed checkpoint",
    "learnstream_checkpoint_duration_seconds": "how long the newest completed checkpoint took",
    "learnstream_checkpoints_failed": "checkpoints that failed since the submission",
    "learnstream_lag_messages": "messages in Kafka that a reader has not taken yet",
    "learnstream_event_delay_seconds": "from the moment of an event's record to its emission by "
    "Flink's source, the slowest split",
    "learnstream_derive_waiting_batches": "archived batches that are not in the derived tables yet",
    "learnstream_derive_waiting_seconds": "age of the oldest of them",
    "learnstream_recorded_to_row_seconds": "from recording an event to its row in the archive, of "
    "what came within five minutes",
    "learnstream_commit_to_row_seconds": "from the commit of a heartbeat in the LMS to its row in "
    "the archive, and to the derived tables: of the last five minutes",
    "learnstream_heartbeat_age_seconds": "since the newest heartbeat that came into the tables "
    "was sent",
    "learnstream_feature_match_ratio": "served features that are what the archive says, of those "
    "compared last",
    "learnstream_feature_match_age_seconds": "since they were compared",
    "learnstream_dead_letters": "messages that could not be read, by state",
    "learnstream_arrived_events": "events archived in this and the previous hour",
    "learnstream_late_events": "those of them that happened more than an hour before they came",
    "learnstream_future_events": "those of them that claim to happen in the future",
    "learnstream_feature_drift_psi": "how far a feature has drifted from its baseline, as "
    "learnstream drift measured last: a population stability index",
}
"""The help text of each reading; a test allows no others."""


class Monitor:
    """Takes all readings; keeps its connections and what it has read of the dead letters."""

    def __init__(self) -> None:
        self._consumer = kafka.consumer("monitor")
        self._mailbox = Mailbox()
        self._read: dict[int, int] = {}
        self._known = operation.Record()

    def close(self) -> None:
        self._consumer.close()

    def take(self) -> list[Reading]:
        """Every reading there is now; ``learnstream_component_up`` is 0 for one that is down."""
        found: list[Reading] = []
        takers: dict[str, Callable[[], Iterator[Reading]]] = {
            "flink": self._flink,
            "postgres": self._analytics,
            "kafka": self._kafka,
        }
        for component, taker in takers.items():
            try:
                taken = list(taker())
            except (Retryable, psycopg.Error, KafkaException):
                found.append(Reading("learnstream_component_up", 0, {"component": component}))
                continue
            found += [*taken, Reading("learnstream_component_up", 1, {"component": component})]
        return found

    def _flink(self) -> Iterator[Reading]:
        with contextlib.suppress(psycopg.Error):  # as before, where the database is down
            self._known = operation.read()
        known = self._known
        alive = cluster.running(application.NAME)
        runs = alive is not None and alive.state == "RUNNING"
        for job in known.wants():
            has_it = runs and job.name in known.jobs
            yield Reading("learnstream_job_running", float(has_it), {"job": job.name})
        if alive is None:
            return
        restarts = cluster.metric(alive.job_id, "numRestarts")
        yield Reading("learnstream_job_restarts", restarts or 0.0)
        history = cluster.checkpoints(alive.job_id)
        failed = history.get("counts", {}).get("failed", 0)
        yield Reading("learnstream_checkpoints_failed", failed)
        newest = (history.get("latest") or {}).get("completed")
        if newest:
            age_s = max(0.0, time.time() - newest["trigger_timestamp"] / 1000)
            yield Reading("learnstream_checkpoint_age_seconds", age_s)
            yield Reading("learnstream_checkpoint_size_bytes", newest["state_size"])
            took_s = newest["end_to_end_duration"] / 1000
            yield Reading("learnstream_checkpoint_duration_seconds", took_s)
        for source, pending, delay_ms in cluster.sources(alive.job_id):
            labels = {"reader": "flink", "topic": source}
            yield Reading("learnstream_lag_messages", pending, labels)
            if delay_ms is not None:
                yield Reading("learnstream_event_delay_seconds", delay_ms / 1000, labels)

    def _analytics(self) -> Iterator[Reading]:
        with postgres.connect_analytics(connect_timeout=2, autocommit=True) as connection:
            connection.execute("SET statement_timeout = '5s'")
            offsets: dict[tuple[str, int], int] = {
                (topic, partition): offset
                for topic, partition, offset in connection.execute(
                    "SELECT topic, partition, next_offset FROM archive_offsets"
                )
            }
            row = connection.execute(
                "SELECT count(*), coalesce(extract(epoch FROM now() - min(archived_at)), 0)::float "
                "FROM archive_batches"
            ).fetchone()
            arrivals = connection.execute(_arrivals).fetchall()
            fresh = connection.execute(_freshness).fetchone()
            beats = connection.execute(_HEARTBEAT["recent"].encode()).fetchall()
            skew = connection.execute(_skew).fetchall()
            beat_age = connection.execute(_HEARTBEAT["age"].encode()).fetchone()
            measured = connection.execute(_DRIFT["measured"].encode()).fetchone()
            drifts = (
                connection.execute(_DRIFT["newest"].encode()).fetchall()
                if measured and measured[0]
                else []
            )
        yield from self._lag("archive", [t.name for t in EVENT_TOPICS], offsets)
        if row is not None:
            yield Reading("learnstream_derive_waiting_batches", row[0])
            yield Reading("learnstream_derive_waiting_seconds", row[1])
        if fresh is not None and fresh[0] is not None:
            for quantile, seconds in zip(("0.5", "0.99"), fresh[0], strict=True):
                labels = {"quantile": quantile}
                yield Reading("learnstream_recorded_to_row_seconds", seconds, labels)
        for stage, quantiles in beats:
            for quantile, seconds in zip(("0.5", "0.99"), quantiles, strict=True):
                labels = {"stage": stage, "quantile": quantile}
                yield Reading("learnstream_commit_to_row_seconds", seconds, labels)
        if beat_age is not None and beat_age[0] is not None:
            yield Reading("learnstream_heartbeat_age_seconds", beat_age[0])
        for view, share, age_s in skew:
            yield Reading("learnstream_feature_match_ratio", share, {"view": view})
            yield Reading("learnstream_feature_match_age_seconds", age_s, {"view": view})
        for topic, events, late, future in arrivals:
            labels = {"topic": topic}
            yield Reading("learnstream_arrived_events", events, labels)
            yield Reading("learnstream_late_events", late, labels)
            yield Reading("learnstream_future_events", future, labels)
        for view, feature, psi in drifts:
            labels = {"feature": f"{view}:{feature}"}
            yield Reading("learnstream_feature_drift_psi", psi, labels)

    def _kafka(self) -> Iterator[Reading]:
        places = [TopicPartition(FEATURES.name, n) for n in self._partitions(FEATURES.name)]
        pusher = kafka.consumer("feature-push")
        try:
            committed = pusher.committed(places, timeout=_WAIT_S)
        finally:
            pusher.close()
        offsets = {(FEATURES.name, place.partition): max(place.offset, 0) for place in committed}
        yield from self._lag("feature-push", [FEATURES.name], offsets)
        self._follow_dead_letters()
        waiting = len(self._mailbox.open)
        yield Reading("learnstream_dead_letters", waiting, {"state": "open"})
        resolved = len(self._mailbox.resolutions)
        yield Reading("learnstream_dead_letters", resolved, {"state": "resolved"})

    def _lag(
        self, reader: str, topics: list[str], offsets: dict[tuple[str, int], int]
    ) -> Iterator[Reading]:
        for topic in topics:
            lag = 0
            for number in self._partitions(topic):
                place = TopicPartition(topic, number)
                low, high = self._consumer.get_watermark_offsets(place, timeout=_WAIT_S)
                lag += max(0, high - max(low, offsets.get((topic, number), 0)))
            yield Reading("learnstream_lag_messages", lag, {"reader": reader, "topic": topic})

    def _partitions(self, topic: str) -> list[int]:
        found = self._consumer.list_topics(topic, timeout=_WAIT_S).topics[topic]
        if found.error is not None:
            raise Retryable(f"Kafka has no topic {topic}")
        return sorted(found.partitions)

    def _follow_dead_letters(self) -> None:
        """Read what was added since the last time; reading the end costs one fetch."""
        numbers = self._partitions(DEAD_LETTERS.name)
        ends = {}
        for number in numbers:
            place = TopicPartition(DEAD_LETTERS.name, number)
            low, high = self._consumer.get_watermark_offsets(place, timeout=_WAIT_S)
            self._read[number] = max(low, self._read.get(number, 0))
            ends[number] = high
        behind = {n for n in numbers if self._read[n] < ends[n]}
        self._consumer.assign(
            [TopicPartition(DEAD_LETTERS.name, n, self._read[n]) for n in sorted(behind)]
        )
        deadline = time.monotonic() + _WAIT_S
        while behind and time.monotonic() < deadline:
            for message in self._consumer.consume(1000, timeout=0.5):
                if message.error() is None:
                    self._mailbox.add(message.value() or b"")
                    self._read[message.partition() or 0] = (message.offset() or 0) + 1
            for place in self._consumer.position(
                [TopicPartition(DEAD_LETTERS.name, n) for n in sorted(behind)]
            ):
                # Markers of transactions are no messages, yet the position passes over them.
                if place.offset >= ends[place.partition]:
                    self._read[place.partition] = place.offset
                    behind.discard(place.partition)


def labelled(readings: list[Reading], name: str) -> dict[str, Any]:
    """The readings of one name by the text of their labels, for people."""
    return {
        " ".join(reading.labels.values()) or "all": reading.value
        for reading in readings
        if reading.name == name
    }
