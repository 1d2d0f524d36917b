"""What a job reads of the archive is what it reads of the topic: every topic, every column."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from contracts import flink as contract
from contracts.fixtures import example_envelope
from contracts.topics import CONTENT, EVENT_TOPICS, Topic
from pipelines import application, archived, cluster, rebuild
from pipelines.archive.consumer import Archive
from pipelines.archived import Span
from pipelines.job import kafka_options
from stack import kafka, postgres
from stack.profile import Profile
from tests.waiting import until_equal

pytestmark = pytest.mark.integration

EACH = 5
_TYPES = {"BIGINT": "bigint", "DOUBLE": "double precision", "BOOLEAN": "boolean"}
EVENTS = {topic.name: contract.events_of(topic) for topic in EVENT_TOPICS}
SENT = sum(map(len, EVENTS.values())) * EACH


@pytest.fixture(scope="module")
def sent(flink: Profile) -> Iterator[list[str]]:
    """The ids of examples of every event, which are in Kafka and in the archive."""
    stop = threading.Event()
    archive = threading.Thread(target=Archive(stop).run)
    archive.start()
    count = "SELECT count(*) FROM activity_events WHERE event_id = ANY(%s)"
    try:
        producer, ids = kafka.producer(), []
        for topic, events in EVENTS.items():
            for event in events:
                for number in range(EACH):
                    envelope = example_envelope(event.TYPE, number)
                    producer.produce(topic, envelope.encode())
                    ids.append(str(envelope.event_id))
        assert producer.flush(30) == 0
        assert len(set(ids)) == SENT
        with postgres.connect_analytics(autocommit=True) as connection:
            until_equal(lambda: _one(connection, count, [ids]), SENT)
            yield ids
            connection.execute(f"DROP SCHEMA IF EXISTS {rebuild.SHADOW} CASCADE".encode())
    finally:
        stop.set()
        archive.join()


def test_the_archive_s_view_has_the_rows_of_the_stream_s_for_every_topic(sent: list[str]) -> None:
    with postgres.connect_analytics(autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {rebuild.SHADOW}".encode())
        for topic in EVENT_TOPICS:
            columns = ", ".join(
                f'"{archived.stored(name)}" {_TYPES.get(type_, "text")}'
                for name, type_ in columns_of(topic).items()
            )
            for side in ("stream", "archive"):
                connection.execute(
                    f"CREATE TABLE {rebuild.SHADOW}.{name_of(topic, side)} "
                    f"({columns}, PRIMARY KEY (of_event_id))".encode()
                )
            connection.execute(archived.view(topic, rebuild.SHADOW, Span(-1, 10**9, 0)))
        role = postgres.PostgresSettings().jdbc_user
        connection.execute(f"GRANT USAGE ON SCHEMA {rebuild.SHADOW} TO {role}".encode())
        connection.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA {rebuild.SHADOW} TO {role}".encode())
        run("stream", batch=False)
        run("archive", batch=True)
        for topic in EVENT_TOPICS:
            stream, archive = (
                connection.execute(
                    f"SELECT * FROM {rebuild.SHADOW}.{name_of(topic, side)} "
                    "WHERE of_event_id = ANY(%s) ORDER BY 1".encode(),
                    [sent],
                ).fetchall()
                for side in ("stream", "archive")
            )
            assert len(stream) == len(EVENTS[topic.name]) * EACH
            assert archive == stream, topic.name
            for number, name in enumerate(columns_of(topic)):
                assert any(row[number] is not None for row in stream), f"{topic.name}: {name}"


def test_a_row_that_no_job_can_have_counted_is_left_out(sent: list[str]) -> None:
    with postgres.connect_analytics() as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {rebuild.SHADOW}".encode())
        connection.execute(archived.view(CONTENT, rebuild.SHADOW, Span(-1, 10**9, 0)))
        count = f"SELECT count(*) FROM {rebuild.SHADOW}.{archived.view_name(CONTENT)}"
        before = _one(connection, count)
        connection.execute(
            "UPDATE activity_events SET payload = payload - 'course_id' WHERE event_id = "
            "(SELECT event_id FROM activity_events "
            "WHERE topic = %s AND event_id = ANY(%s) LIMIT 1)",
            [CONTENT.name, sent],
        )
        assert _one(connection, count) == before - 1
        connection.rollback()


def columns_of(topic: Topic) -> dict[str, str]:
    return contract.columns(topic)


def name_of(topic: Topic, side: str) -> str:
    return f"{topic.name.split('.')[1]}_of_{side}"


def run(side: str, *, batch: bool) -> None:
    """Flink writes every topic's view of that side into its table."""
    options = kafka_options() | {
        "properties.group.id": "flink",
        "scan.startup.mode": "earliest-offset",
        "scan.bounded.mode": "latest-offset",
    }
    definitions = rebuild.definitions([], EVENT_TOPICS) if batch else []
    inserts = []
    for topic in EVENT_TOPICS:
        if not batch:
            definitions += [contract.source(topic, options), *contract.repeats(topic, options)]
            definitions += [contract.checked(topic), *contract.view(topic, "0")]
        table = name_of(topic, side)
        lines = [f"`{archived.stored(name)}` {type_}" for name, type_ in columns_of(topic).items()]
        definitions.append(
            contract.table(
                table,
                [*lines, "PRIMARY KEY (`of_event_id`) NOT ENFORCED"],
                {
                    "connector": "jdbc",
                    **postgres.PostgresSettings().analytics_jdbc(),
                    "table-name": f"{rebuild.SHADOW}.{table}",
                },
            )
        )
        names = ", ".join(f"`{name}`" for name in columns_of(topic))
        inserts.append(f"INSERT INTO {table} SELECT {names} FROM {contract.view_name(topic)}")
    built = application.build(definitions, inserts, f"test-{side}", batch=batch)
    job_id = application.start(built)
    until_equal(lambda: cluster.state(job_id) == "FINISHED", True)


def _one(connection: Any, query: str, values: Any = None) -> Any:
    return connection.execute(query, values).fetchone()[0]
