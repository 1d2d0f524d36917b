"""Repeated messages are published once, though the archive may die while it publishes."""

from __future__ import annotations

import pytest

from contracts.ids import new_id
from contracts.topics import DUPLICATES
from pipelines.archive import duplicates
from stack import kafka
from stack.postgres import connect_analytics
from stack.profile import Profile

pytestmark = pytest.mark.integration


def test_an_archive_that_begins_deletes_the_records_of_what_was_published(stack: Profile) -> None:
    published, unpublished = f"lms.content.events/0/{new_id()}", f"lms.content.events/0/{new_id()}"
    producer = kafka.producer()
    producer.produce(DUPLICATES.name, key=published, value=b"{}")
    assert producer.flush(30) == 0
    with connect_analytics(autocommit=True) as connection:
        connection.execute(
            "INSERT INTO archive_duplicates (message_key, value) VALUES (%s, '{}'), (%s, '{}')",
            [published, unpublished],
        )
        assert duplicates.forget_published(connection) == 1
        left = connection.execute("SELECT message_key FROM archive_duplicates").fetchall()
        assert (unpublished,) in left
        assert (published,) not in left
        assert duplicates.forget_published(connection) == 0
        assert duplicates.publish(connection, producer) >= 1
        assert duplicates.forget_published(connection) == 0
