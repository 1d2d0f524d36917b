"""An import of history makes what it has to make, and notifies nobody."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from contracts.envelope import Envelope, decode
from contracts.ids import new_id
from contracts.topics import ENROLLMENTS
from core_lms.certificates.consumers import issue
from core_lms.inbox.batches import Batches, Outcome, Record
from core_lms.inbox.declarations import Consumer
from core_lms.inbox.settings import InboxSettings
from core_lms.notifications.consumers import record
from core_lms.webhooks.consumers import enqueue
from stack.postgres import PostgresSettings, pool

pytestmark = pytest.mark.integration


def consume(lms: Any, consumer: Consumer, *envelopes: Envelope, history: bool) -> Outcome:
    """The outcome of a batch, as the consumer's process applies it."""
    own = replace(consumer, name=f"test.c{new_id().replace('-', '')}")
    topic = envelopes[0].topic
    lms.database.execute(
        "INSERT INTO inbox_offsets (consumer, topic, partition, next_offset) VALUES (%s, %s, 0, 0)",
        [own.name, topic],
    )
    records = [
        Record(topic, 0, offset, envelope.encode(), history=history)
        for offset, envelope in enumerate(envelopes)
    ]

    async def apply() -> Outcome:
        async with pool(PostgresSettings().app_url) as database:
            batches = Batches(own, database, InboxSettings())
            return await batches.apply((topic, 0), records, 0, len(records))

    return asyncio.run(apply())


def completed(lms: Any) -> tuple[str, Envelope]:
    """A learner and how they completed a course."""
    course_id, learner = lms.course(published=False), lms.user()
    item = lms.item(course_id, "page")
    assert lms.post(f"/courses/{course_id}/publish").status_code == 200
    lms.enrollment(course_id, learner)
    done = {"event_type": "content.completed", "user_id": learner}
    lms.made(f"/courses/{course_id}/items/{item}/events", done)
    [found] = [one for one in lms.events() if one["event_type"] == "course.completed"]
    return learner, decode(ENROLLMENTS.name, json.dumps(found).encode())


def issued(lms: Any) -> tuple[Envelope, bool]:
    """The only certificate's event, and whether its row in the outbox says that it is history."""
    [(topic, message, history)] = lms.database.execute(
        "SELECT topic, message::jsonb, history FROM outbox WHERE message::jsonb ->> 'event_type' = "
        "'certificate.issued' AND message::jsonb ->> 'institution_id' = %s",
        [lms.institution_id],
    ).fetchall()
    return decode(topic, json.dumps(message).encode()), history


def notified(lms: Any) -> int:
    [(count,)] = lms.database.execute(
        "SELECT count(*) FROM notifications WHERE institution_id = %s", [lms.institution_id]
    ).fetchall()
    return int(count)


@pytest.mark.parametrize("history", [True, False])
def test_an_imported_completion_brings_a_certificate_and_no_word_of_it(
    lms: Any, history: bool
) -> None:
    learner, envelope = completed(lms)
    assert consume(lms, issue.CONSUMER, envelope, history=history).counts == {"applied": 1}
    certificate, is_past = issued(lms)
    assert is_past is history, "what follows from history is history"
    page = lms.person(learner).get(f"/users/{learner}/certificates").json()
    assert len(page["items"]) == 1

    for one in (envelope, certificate):
        outcome = consume(lms, record.CONSUMER, one, history=is_past)
        assert outcome.counts == ({"passed": 1} if history else {"applied": 1})
    assert notified(lms) == (0 if history else 2)


def test_other_systems_are_not_told_of_the_past_either(lms: Any) -> None:
    lms.made("/webhooks", {"url": "https://sis.example.org/hook", "event_types": ["*"]})
    _, envelope = completed(lms)
    for history, becomes in ((True, "passed"), (False, "applied")):
        outcome = consume(lms, enqueue.CONSUMER, envelope, history=history)
        assert outcome.counts == {becomes: 1}


def test_a_request_of_an_import_makes_silent_events_and_one_of_others_is_refused(lms: Any) -> None:
    course_id, learner = lms.course(), lms.user()
    path, body = f"/courses/{course_id}/enrollments", {"user_id": learner}
    refused = lms.person(learner).call("POST", path, json=body, headers={"X-History": "1"})
    assert (refused.status_code, "history.write" in refused.json()["detail"]) == (403, True)
    made = lms.call("POST", path, json=body, headers={"X-History": "1"})
    assert made.status_code == 201
    lms.enrollment(course_id, lms.user())
    found = lms.database.execute(
        "SELECT history FROM outbox WHERE message::jsonb ->> 'event_type' = "
        "'enrollment.created' AND message::jsonb ->> 'institution_id' = %s ORDER BY id",
        [lms.institution_id],
    ).fetchall()
    assert found == [(True,), (False,)]
