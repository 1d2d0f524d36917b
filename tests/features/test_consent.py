"""Features of who does not agree: none are written, and what was there goes from everywhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from contracts.envelope import Envelope, wrap
from contracts.event import Event
from contracts.events.consents import ConsentGiven, ConsentWithdrawn
from contracts.events.users import UserDeleted
from contracts.features import FeatureRow
from contracts.ids import DEFAULT_INSTITUTION, new_id
from core_lms.privacy import redis_keys
from features import consent, history
from features.catalogue import VIEWS
from stack import kafka, postgres
from stack import redis as stack_redis
from tests.features.test_push import (
    LEARNER,
    learner_row,
    online,
    publish,
    pushing,
    read_trail,
)
from tests.features.test_push import history as kept
from tests.waiting import until_equal

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("registered")]
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def event_of(event: Event, minutes: int = 0) -> Envelope:
    envelope = wrap(
        event,
        institution_id=DEFAULT_INSTITUTION,
        source_service="privacy-service",
        timestamp=NOW + timedelta(minutes=minutes),
    )
    producer = kafka.producer()
    producer.produce(envelope.topic, key=envelope.key, value=envelope.encode())
    assert producer.flush(10) == 0
    return envelope


@pytest.fixture
def connection() -> Iterator[psycopg.Connection[Any]]:
    with postgres.connect_analytics(autocommit=True) as opened:
        history.prepare(opened, list(VIEWS.values()))
        consent.prepare(opened)
        yield opened


def row(user_id: str) -> FeatureRow:
    return FeatureRow.model_validate_json(json.dumps(learner_row(user_id, 1)))


def test_withdrawing_removes_what_was_there_and_nothing_is_written_any_more() -> None:
    ana, ben, item_id = new_id(), new_id(), new_id()
    with pushing() as through:
        publish(learner_row(ana, 1, item_id), learner_row(ben, 1, item_id))
        through()
        assert len(online(LEARNER, ana, ben)) == 2
        event_of(ConsentWithdrawn(user_id=ana, purpose="personalization"))
        until_equal(lambda: online(LEARNER, ana), {})
        assert kept(LEARNER, ana) == []
        assert asyncio.run(read_trail(ana)) == []
        publish(learner_row(ana, 2, item_id), learner_row(ben, 2, item_id))
        through()
        assert online(LEARNER, ben)[ben]["last_seen_at"] == "2026-11-01T10:00:02Z"
        assert online(LEARNER, ana) == {}
        assert kept(LEARNER, ana) == []
        assert len(kept(LEARNER, ben)) == 2


def test_an_erased_persons_features_have_the_new_id_also_those_that_come_later(
    connection: psycopg.Connection[Any],
) -> None:
    ana, new, item_id, later = new_id(), new_id(), new_id(), new_id()
    with pushing() as through:
        publish(learner_row(ana, 1, item_id))
        through()
        event_of(ConsentGiven(user_id=ana, purpose="personalization"))
        event_of(UserDeleted(user_id=ana))
        connection.execute("SELECT move_person(%s, %s, '{}')", [ana, new])
        redis_keys.move(stack_redis.client(), ana, new)
        assert len(kept(LEARNER, new)) == 1
        assert online(LEARNER, new)[new]["last_item_id"] == item_id
        assert asyncio.run(read_trail(new)) == [item_id]
        publish(learner_row(ana, 2, later))  # it was on its way
        through()
        assert online(LEARNER, new)[new]["last_item_id"] == later
        assert len(kept(LEARNER, new)) == 2
        assert kept(LEARNER, ana) == []
        assert online(LEARNER, ana) == {}
        assert asyncio.run(read_trail(ana)) == []


def test_what_an_erased_person_decided_still_counts_for_what_comes_later(
    connection: psycopg.Connection[Any],
) -> None:
    ana, new, redis = new_id(), new_id(), stack_redis.client()
    withdrawn = event_of(ConsentWithdrawn(user_id=ana, purpose="personalization"), 1)
    connection.execute("SELECT move_person(%s, %s, '{}')", [ana, new])
    assert consent.apply(connection, redis, [withdrawn]) == [new]  # its event comes after
    assert consent.agreed(connection, LEARNER, [row(ana), row(new)]) == []


def test_the_last_word_counts(connection: psycopg.Connection[Any]) -> None:
    ana, redis = new_id(), stack_redis.client()

    def may() -> bool:
        return bool(consent.agreed(connection, LEARNER, [row(ana)]))

    choice = {"user_id": ana, "purpose": "personalization"}
    withdrawn, given = event_of(ConsentWithdrawn(**choice), 1), event_of(ConsentGiven(**choice), 2)
    assert may()
    assert consent.apply(connection, redis, [withdrawn]) == [ana]
    assert not may()
    consent.apply(connection, redis, [given, withdrawn])  # delivered again, out of order
    assert may()
    other = event_of(ConsentWithdrawn(user_id=ana, purpose="communication"), 3)
    assert consent.apply(connection, redis, [other]) == []
    assert may()
    of_analytics = event_of(ConsentWithdrawn(user_id=ana, purpose="analytics"), 4)
    assert consent.apply(connection, redis, [of_analytics]) == [ana]
    assert not may()
    consent.apply(connection, redis, [event_of(ConsentGiven(user_id=ana, purpose="analytics"), 5)])
    assert may()


def test_who_said_nothing_is_as_the_deployment_decided(
    connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row(new_id())]
    assert consent.agreed(connection, LEARNER, rows) == rows
    monkeypatch.setenv("LMS_PRIVACY_DEFAULT_CONSENT", "analytics")
    assert consent.agreed(connection, LEARNER, rows) == []
    monkeypatch.setenv(
        "LMS_PRIVACY_DEFAULT_CONSENT", f"analytics; {DEFAULT_INSTITUTION}=personalization,analytics"
    )
    assert consent.agreed(connection, LEARNER, rows) == rows


def test_every_view_about_learners_is_covered(connection: psycopg.Connection[Any]) -> None:
    ana, redis = new_id(), stack_redis.client()
    views = [view for view in VIEWS.values() if view.entity == LEARNER.entity]
    for view in views:
        found = FeatureRow(
            feature_view=view.name,
            entity_id=ana,
            institution_id=DEFAULT_INSTITUTION,
            event_timestamp=NOW,
            features={},
        )
        history.write(connection, view, [found])
        assert len(kept(view, ana)) == 1
    consent.remove(connection, redis, [ana])
    assert [kept(view, ana) for view in views] == [[]] * len(views)


def test_who_is_in_no_statistics_has_no_features_either(
    connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, redis = new_id(), stack_redis.client()
    history.write(connection, LEARNER, [row(ana)])
    withdrawn = event_of(ConsentWithdrawn(user_id=ana, purpose="analytics"))
    assert consent.apply(connection, redis, [withdrawn]) == [ana]
    assert kept(LEARNER, ana) == []
    assert consent.agreed(connection, LEARNER, [row(ana)]) == []
    monkeypatch.setenv("LMS_PRIVACY_DEFAULT_CONSENT", "personalization")
    assert consent.agreed(connection, LEARNER, [row(new_id())]) == []
