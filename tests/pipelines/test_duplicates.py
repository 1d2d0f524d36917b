"""Repeated messages are told of once, though the archive may die in the middle of telling."""

from __future__ import annotations

import pytest

from contracts.ids import new_id
from contracts.topics import DUPLICATES
from pipelines.archive import duplicates
from stack import kafka
from stack.postgres import connect_analytics
from stack.profile import Profile


@pytest.mark.integration
def test_an_archive_that_begins_strikes_out_what_the_one_before_it_told(stack: Profile) -> None:
    told, untold = f"lms.content.events/0/{new_id()}", f"lms.content.events/0/{new_id()}"
    producer = kafka.producer()
    producer.produce(DUPLICATES.name, key=told, value=b"{}")
    assert producer.flush(30) == 0
    with connect_analytics(autocommit=True) as connection:
        connection.execute(
            "INSERT INTO archive_duplicates (message_key, value) VALUES (%s, '{}'), (%s, '{}')",
            [told, untold],
        )
        assert duplicates.forget_told(connection) == 1
        left = connection.execute("SELECT message_key FROM archive_duplicates").fetchall()
        assert (untold,) in left
        assert (told,) not in left
        assert duplicates.forget_told(connection) == 0
        assert duplicates.tell(connection, producer) >= 1
        assert duplicates.forget_told(connection) == 0
