"""A population that shifted is caught, and one that did not is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import numpy as np
import psycopg
import pytest

from contracts.errors import Rejected
from contracts.ids import DEFAULT_INSTITUTION, new_id
from features import drift
from features.catalogue import WINDOW_VIEWS
from features.drift import FeatureDrift
from pipelines.monitor.readings import Monitor, labelled
from stack import cli, postgres

THEN = datetime(2019, 5, 6, tzinfo=UTC)
NOW, LATER = THEN + timedelta(weeks=10), THEN + timedelta(weeks=20)
VIEWS = {"learner_windows": WINDOW_VIEWS["learner_windows"]}
LEARNERS = 150


def one(psi: float, feature: str = "some", now: int = 1_000, chance: float = 0.05) -> FeatureDrift:
    return FeatureDrift("a_view", feature, psi, chance, now, 1_000)


def compared(then: np.ndarray[Any, Any], now: np.ndarray[Any, Any]) -> tuple[float, float]:
    """The PSI, and what chance may make."""
    edges = drift.edges_of(then)
    histograms = drift.histogram(then, edges), drift.histogram(now, edges)
    return drift.psi(*histograms), drift.chance(*histograms)


@pytest.mark.parametrize("seed", range(20))
def test_two_samples_of_one_population_have_not_drifted(seed: int) -> None:
    chance = np.random.default_rng(seed)
    for sample in (
        lambda n: chance.normal(size=n),
        lambda n: chance.poisson(0.4, n).astype(float),
        lambda n: np.where(chance.random(n) < 0.3, np.nan, chance.exponential(size=n)),
    ):
        for size in (drift.ENOUGH, 300, 2_000):
            found, least = compared(sample(2_000), sample(size))
            assert not one(found, now=size, chance=least).drifted(0.25)


def test_another_mean_another_share_of_zeros_and_another_share_of_nulls_are_drift() -> None:
    chance = np.random.default_rng(7)
    counts = chance.poisson(0.4, 1_000).astype(float)
    normal = chance.normal(size=1_000)
    for then, now in (
        (normal, normal + 1),
        (counts, np.zeros(1_000)),
        (np.full(1_000, 5.0), np.full(1_000, 3.0)),
        (normal, np.where(chance.random(1_000) < 0.4, np.nan, normal)),
        (np.full(1_000, np.nan), normal),
    ):
        found, least = compared(then, now)
        assert found > max(0.25, least)


def test_the_gate_names_the_worst_and_is_closed_without_evidence() -> None:
    assert drift.gate([one(0.02), one(0.2)]) == 0.2
    with pytest.raises(Rejected, match="a_view:bad"):
        drift.gate([one(0.02), one(0.3, "bad")])
    assert drift.gate([one(0.3, chance=0.4)]) == 0.3  # few entities, much chance
    for nothing in ([], [one(9.0, now=drift.ENOUGH - 1)]):
        with pytest.raises(Rejected, match="nothing is known"):
            drift.gate(nothing)


@pytest.fixture
def connection() -> Iterator[psycopg.Connection[Any]]:
    with postgres.connect_analytics(autocommit=True) as opened:
        yield opened


def studied(connection: psycopg.Connection[Any], until: datetime, more: int, seed: int) -> None:
    """Many learners' events of the four weeks before; the more, the busier they were."""
    chance, rows = Random(seed), []
    for _ in range(LEARNERS):
        user_id = new_id()
        for _ in range(1 + more * chance.choice((0, 1, 1, 2, 5))):
            at = until - timedelta(minutes=chance.randrange(1, 27 * 24 * 60))
            rows.append((new_id(), at, DEFAULT_INSTITUTION, user_id, new_id(), new_id(), at))
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO activity_events (event_id, event_type, topic, timestamp, institution_id, "
            "user_id, course_id, item_id, kind, clicks, source_service, schema_version, payload, "
            "received_at, batch_no) VALUES (%s, 'content.viewed', 'lms.content.events', %s, %s, "
            "%s, %s, %s, 'page', 1, 'test', 1, '{}', %s, 1)",
            rows,
        )


@pytest.mark.integration
@pytest.mark.usefixtures("registered")
def test_busier_learners_are_drift_and_others_like_those_before_are_none(
    connection: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Rejected, match="no view has 100"):
        drift.make_baseline(connection, THEN, 1, VIEWS)
    for until, more, seed in ((THEN, 1, 1), (NOW, 1, 2), (LATER, 4, 3)):
        studied(connection, until, more, seed)
    names = ("learner_windows", "item_windows")
    assert cli.call("baseline", *names, "--until", THEN.isoformat(), "--weeks", "1") == 0
    assert f"learner_windows: {LEARNERS} entities" in capsys.readouterr().out
    same = drift.measure(connection, NOW, VIEWS)
    assert {found.feature for found in same} == set(VIEWS["learner_windows"].features)
    assert all(found.judged for found in same)
    assert drift.gate(same) < 0.25
    capsys.readouterr()
    with pytest.raises(Rejected, match="has drifted"):
        cli.call("drift", "learner_windows", "--at", LATER.isoformat(), "--json")
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    psi = {found["feature"]: found["psi"] for found in printed}
    assert psi["learner_windows:events_28d"] > 0.5
    assert psi["learner_windows:submissions_all"] < 0.01
    monitor = Monitor()
    try:
        shown = labelled(monitor.take(), "learnstream_feature_drift_psi")
    finally:
        monitor.close()
    assert shown["learner_windows:events_28d"] == psi["learner_windows:events_28d"]

    connection.execute(
        "UPDATE features.baseline SET expression = 'clicks_28d' WHERE feature = 'events_28d'"
    )
    left = {found.feature for found in drift.measure(connection, NOW, VIEWS)}
    assert left == set(VIEWS["learner_windows"].features) - {"events_28d"}
