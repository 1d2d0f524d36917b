"""Feature rows of the derived views: one SQL per view, for the newest moment and for the past.

``pipelines/derive/features/<view>.sql`` answers for any list of entities and moments. The stream
runs it for entities with new events, as of their newest event; a backfill runs it for the past. So
a row of the past is what the stream would have published then, but for events that came later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, Message, Producer
from psycopg import Connection

from contracts.errors import Retryable
from contracts.features import FeatureRow
from contracts.topics import FEATURES
from pipelines.derive.actions import own_actions
from stack import kafka

_FOLDER = Path(__file__).parent / "features"
DUE = {
    "learner_activity": "learner_totals_due",
    "item_popularity": "item_totals_due",
    "learner_engagement": "learner_features_due",
    "item_quality": "item_features_due",
}
"""The views, and the queues of entities whose row is due."""
MOST = 2_000
"""Rows of a view that one round publishes."""
TOTALS = ("learner_activity", "item_popularity")
"""Views of kept totals: cheap to make, so they are published while steps keep coming."""

MOVES = own_actions("assessment.graded")
"""What moves a learner's newest moment: what ``feature_rows.sql`` makes their row due for. So the
row that is published last is a function of the archive, whatever else happened in between."""

# An event from the future does not move an entity's newest moment: nothing would follow it.
_NEWEST = {
    "learner_activity": "(SELECT CASE WHEN ahead = 0 THEN last_seen_at ELSE (SELECT max(timestamp) "
    "FROM activity_events e WHERE e.user_id = d.entity_id AND e.topic = 'lms.content.events' "
    "AND e.timestamp <= now() + INTERVAL '5 min') END FROM learner_totals t "
    "WHERE t.user_id = d.entity_id AND t.institution_id = d.institution_id)",
    "item_popularity": "(SELECT last_viewed_at FROM item_totals t "
    "WHERE t.item_id = d.entity_id AND t.institution_id = d.institution_id)",
    "learner_engagement": "(SELECT max(timestamp) FROM activity_events e "
    f"WHERE e.user_id = d.entity_id AND e.timestamp <= now() + INTERVAL '5 min' AND {MOVES})",
    "item_quality": "(SELECT max(bucket_at) FROM item_engagement i WHERE i.item_id = d.entity_id "
    "AND i.bucket_at <= now())",
}

Wanted = tuple[str, str, datetime]
"""Entity, institution, moment."""


def rows(
    connection: Connection[Any], view: str, wanted: Sequence[Wanted] | None = None
) -> Iterator[FeatureRow]:
    """One row of ``view`` per entity and moment; with None, for those in the table ``wanted``."""
    if wanted is not None:
        connection.execute("CREATE TEMP TABLE IF NOT EXISTS wanted (" + _WANTED + ")")
        connection.execute("TRUNCATE wanted")
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO wanted VALUES (%s, %s, %s)", wanted)
    query = (_FOLDER / f"{view}.sql").read_text(encoding="utf-8")
    with connection.cursor() as cursor:
        cursor.execute(query.encode())
        names = [column.name for column in cursor.description or ()][3:]
        for entity_id, institution_id, as_of, *values in cursor:
            yield FeatureRow(
                feature_view=view,
                entity_id=str(entity_id),
                institution_id=str(institution_id),
                event_timestamp=as_of.astimezone(UTC),
                features=dict(zip(names, values, strict=True)),
            )


_WANTED = "entity_id uuid, institution_id uuid, as_of timestamptz"


class FeaturePublisher:
    """Publishes the rows that are due to ``lms.features``; what Kafka did not take stays due."""

    def __init__(self) -> None:
        self._producer: Producer = kafka.producer(**{"message.timeout.ms": 10_000, "log_level": 2})

    def publish(
        self, connection: Connection[Any], most: int = MOST, views: Iterable[str] = DUE
    ) -> int:
        """Publish at most ``most`` rows of each view; returns how many.

        Raises ``Retryable`` where Kafka does not answer. A crash repeats rows, with equal values.
        """
        return sum(self._publish(connection, view, most) for view in views)

    def _publish(self, connection: Connection[Any], view: str, most: int) -> int:
        with connection.transaction():
            connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS wanted ({_WANTED})".encode())
            connection.execute("TRUNCATE wanted")
            taken = connection.execute(
                f"WITH taken AS (DELETE FROM {DUE[view]} WHERE ctid IN (SELECT ctid FROM "
                f"{DUE[view]} LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING *), moments AS (SELECT "
                f"entity_id, institution_id, {_NEWEST[view]} AS as_of FROM taken d) "
                "INSERT INTO wanted SELECT * FROM moments".encode(),
                (most,),
            ).rowcount
            if taken:
                # Who enrolled and has done nothing yet has no features.
                connection.execute("DELETE FROM wanted WHERE as_of IS NULL")
                self.send(rows(connection, view))
            return taken

    def send(self, found: Iterator[FeatureRow]) -> int:
        """Publish and wait until Kafka has them; returns how many."""
        failed: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failed.append(error)

        sent = 0
        for row in found:
            self._producer.produce(
                FEATURES.name,
                key=f"{row.feature_view}/{row.entity_id}",
                value=row.model_dump_json().encode(),
                on_delivery=delivered,
            )
            sent += 1
            self._producer.poll(0)
        if sent and (self._producer.flush(15) or failed):
            raise Retryable(
                f"feature rows could not be published: {failed[:1] or 'Kafka does not answer'}"
            )
        return sent
