"""What serving read is compared with the archive: a difference is found, named, and closes the
gate."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from contracts.errors import Rejected
from contracts.ids import new_id
from features import consent, served, skew
from features.catalogue import WINDOW_VIEWS
from features.served import Served
from features.settings import FeatureSettings
from stack import postgres
from stack import redis as stack_redis
from tests.features.test_known import Learner

LEARNER = WINDOW_VIEWS["learner_windows"]
T = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)


@pytest.fixture
def connection() -> Iterator[psycopg.Connection[Any]]:
    with postgres.connect_analytics(autocommit=True) as opened:
        yield opened


def test_the_sample_is_of_entities_and_about_as_large_as_asked() -> None:
    ids = [(new_id(),) for _ in range(4000)]
    chosen = [one for one in ids if served.sampled(one, 0.25)]
    assert 800 < len(chosen) < 1200
    assert all(served.sampled(one, 0.5) for one in chosen)
    assert not any(served.sampled(one, 0) for one in ids)


def test_the_gate_is_closed_without_evidence_and_names_the_worst_feature() -> None:
    good = skew.FeatureSkew("a_view", "good", compared=10)
    bad = skew.FeatureSkew("a_view", "bad", compared=10, missing=1, differences=[2.0])
    assert skew.gate([good]) == 1
    with pytest.raises(Rejected, match="a_view:bad"):
        skew.gate([good, bad])
    with pytest.raises(Rejected, match="nothing is known"):
        skew.gate([])


@pytest.mark.integration
@pytest.mark.usefixtures("registered")
def test_served_features_are_kept_recomputed_and_a_wrong_one_is_found(
    connection: psycopg.Connection[Any],
) -> None:
    learner = Learner(connection)
    for hours in (1, 30, 300):
        learner.did(T - timedelta(hours=hours))
    learner.did(T - timedelta(minutes=1), arrived=T - timedelta(seconds=2))  # on its way
    right = learner.features()
    assert right is not None
    behind = {**right, "events_1h": right["events_1h"] - 1}
    wrong = {**right, "events_28d": 77, "streak_days": None, "trend": 5.0}

    async def log(row: dict[str, Any], at: datetime) -> int:
        async with stack_redis.new_async_client() as client:
            kept = served.ServedLog(client, FeatureSettings(skew_rate=1))
            return await kept.add(LEARNER, [(learner.id,)], [row], int(at.timestamp() * 1e6))

    assert asyncio.run(log(right, T)) == 1
    client = stack_redis.client()

    def found() -> dict[str, skew.FeatureSkew]:
        mine = [one for one in served.read(client) if one.ids == (learner.id,)]
        return {one.feature: one for one in skew.measure(connection, mine)}

    assert all(one.match_rate == 1 for one in found().values())
    assert skew.gate(found().values()) == 1
    alone = skew.measure(connection, [Served(LEARNER, (learner.id,), T, behind)])
    assert {one.feature: one for one in alone}["events_1h"].match_rate == 1
    later = T + timedelta(seconds=20)
    assert asyncio.run(log(wrong, later)) == 1
    measured = found()
    assert measured["events_28d"].differences == [73]
    assert measured["streak_days"].missing == 1
    assert measured["events_28d"].figures()["match"] == 0.5
    assert measured["events_7d"].match_rate == 1
    with pytest.raises(Rejected):
        skew.gate(measured.values())
    skew.store(connection, measured.values())
    kept = connection.execute(
        "SELECT compared, equal, missing, extra, difference_max FROM feature_skew "
        "WHERE feature = 'events_28d' ORDER BY measured_at DESC LIMIT 1"
    ).fetchone()
    assert kept == (2, 1, 0, 0, 73.0)

    consent.remove(connection, client, [learner.id])
    assert found() == {}
