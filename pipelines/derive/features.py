"""Feature rows of all views: one query per view, for the newest moment and for the past.

The query ``rows`` of ``features/views/<view>.sql`` answers for any list of entities and
moments. The stream runs it for entities with new events, as of their newest event; a backfill runs
it for the past. So a row of the past is what the stream would have published then, but for events
that came later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import KafkaError, Message, Producer
from psycopg import Connection

from contracts import feature_views
from contracts.errors import Retryable
from contracts.feature_views import View
from contracts.features import FeatureRow
from contracts.topics import FEATURES
from pipelines.derive.actions import OWN, own_actions
from stack import kafka

VIEWS = feature_views.read_all()
QUEUES = tuple(dict.fromkeys(view.queue for view in VIEWS.values()))
"""The tables of entities whose rows are due; views of one queue are published together."""
MOST = 2_000
"""Entities of a queue whose rows one round publishes."""
PROMPT = ("learner_activity_due",)
"""Queues of rows that are cheap to make, so they are published while steps keep coming."""

Wanted = tuple[str, str, datetime]
"""Entity, institution, moment."""


def query(view: str, name: str) -> str:
    """A query of the view's file for the analytical database."""
    return VIEWS[view].queries[name].replace(OWN, own_actions())


def rows(
    connection: Connection[Any], view: str, wanted: Sequence[Wanted] | None = None
) -> Iterator[FeatureRow]:
    """One row of ``view`` per entity and moment; with None, for those in the table ``wanted``."""
    if wanted is not None:
        connection.execute("CREATE TEMP TABLE IF NOT EXISTS wanted (" + _WANTED + ")")
        connection.execute("TRUNCATE wanted")
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO wanted VALUES (%s, %s, %s)", wanted)
    with connection.cursor() as cursor:
        cursor.execute(query(view, "rows").encode())
        names = [column.name for column in cursor.description or ()][3:]
        for entity_id, institution_id, as_of, *values in cursor:
            yield FeatureRow(
                feature_view=view,
                entity_id=str(entity_id),
                institution_id=str(institution_id),
                event_timestamp=as_of.astimezone(UTC),
                features=dict(zip(names, values, strict=True)),
            )


_ENTITY = "entity_id uuid, institution_id uuid"
_WANTED = f"{_ENTITY}, as_of timestamptz"


class FeaturePublisher:
    """Publishes the rows that are due to ``lms.features``; what Kafka did not take stays due."""

    def __init__(self) -> None:
        self._producer: Producer = kafka.producer(**{"message.timeout.ms": 10_000, "log_level": 2})

    def publish(
        self, connection: Connection[Any], most: int = MOST, queues: Iterable[str] = QUEUES
    ) -> int:
        """Publish the rows of at most ``most`` entities of each queue; returns how many entities.

        Raises ``Retryable`` where Kafka does not answer. A crash repeats rows, with equal values.
        """
        return sum(self._publish(connection, queue, most) for queue in queues)

    def _publish(self, connection: Connection[Any], queue: str, most: int) -> int:
        with connection.transaction():
            connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS taken ({_ENTITY})".encode())
            connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS wanted ({_WANTED})".encode())
            connection.execute("TRUNCATE taken")
            taken = connection.execute(
                f"WITH gone AS (DELETE FROM {queue} WHERE ctid IN (SELECT ctid FROM {queue} "
                "LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING entity_id, institution_id) "
                "INSERT INTO taken SELECT entity_id, institution_id FROM gone".encode(),
                (most,),
            ).rowcount
            if taken:
                for view in VIEWS.values():
                    if view.queue == queue:
                        self._publish_view(connection, view)
            return taken

    def _publish_view(self, connection: Connection[Any], view: View) -> None:
        connection.execute("TRUNCATE wanted")
        connection.execute(f"INSERT INTO wanted {query(view.name, 'newest')}".encode())
        # Who enrolled and has done nothing yet has no features. Deleted afterwards: as a condition
        # on the query above, its subqueries would run twice.
        connection.execute("DELETE FROM wanted WHERE as_of IS NULL")
        self.send(rows(connection, view.name))

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
