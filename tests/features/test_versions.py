"""A changed definition is a new version of its view: both are served and trained for a while."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest

from contracts import feature_views
from contracts.tiles import LEARNER_TILES
from features import generate, known, online_windows, registration, windowed
from features.catalogue import WINDOW_VIEWS, Service
from features.tile_push import TilePusher
from features.windowed import WindowView
from stack import lineage_page, postgres
from stack import redis as stack_redis
from tests.features.test_known import Learner
from tests.features.test_tile_push import message, published

OLD = WINDOW_VIEWS["learner_windows"]
TREND = "ratio(events_7d * 3, events_28d - events_7d)"


@pytest.fixture
def new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WindowView:
    """The trend by clicks instead of events, in a file of its own."""
    text = (feature_views.FOLDER / "learner_windows.toml").read_text(encoding="utf-8")
    assert TREND in text
    path = tmp_path / "learner_windows_v2.toml"
    path.write_text(text.replace(TREND, TREND.replace("events", "clicks")), encoding="utf-8")
    found = windowed.read(path)
    monkeypatch.setitem(WINDOW_VIEWS, found.name, found)
    return found


def test_both_are_on_the_pages_and_a_model_reads_the_one_that_it_names(
    new: WindowView, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = registration.fingerprint()
    page = generate.generate()[generate.PAGE]
    assert f"| `{TREND}` |" in page.split("## learner_windows\n")[1].split("\n## ")[0]
    assert "ratio(clicks_7d" in page.split("## learner_windows_v2\n")[1].split("\n## ")[0]
    lineage = lineage_page.page(lineage_page.read())
    assert "\n| `learner_windows` | `learner_tiles` |" in lineage
    old_model = Service("old", {"learner_windows": ("trend",)})
    new_model = Service("new", {"learner_windows_v2": ("trend",)})
    read = [old_model.view("learner_windows"), new_model.view("learner_windows_v2")]
    assert [one.features["trend"].expression.count("clicks") for one in read] == [0, 3]
    monkeypatch.delitem(WINDOW_VIEWS, new.name)
    assert registration.fingerprint() != before  # so it is registered anew


@pytest.fixture
def connection() -> Iterator[psycopg.Connection[Any]]:
    with postgres.connect_analytics(autocommit=True) as opened:
        yield opened


@pytest.mark.integration
@pytest.mark.usefixtures("registered")
def test_both_are_served_and_trained_by_what_each_says(
    new: WindowView, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    learner = Learner(connection)
    before = now - timedelta(days=9)
    did = [(now, "content.viewed")] * 2 + [(before, "content.viewed")]
    did += [(before, "video.played")] * 3
    for minute, (day, type_) in enumerate(did):
        learner.did(day + timedelta(minutes=minute), type_=type_)
    pusher = TilePusher(stack_redis.client())
    for hour, events, clicks in ((now, 2, 4), (before, 4, 2)):
        row = message(LEARNER_TILES, learner.id, learner.course, hour, events=events, clicks=clicks)
        pusher.write(connection, [published(row)])
    at, wanted = now + timedelta(minutes=50), [(learner.id,)]
    client = stack_redis.client()
    [old_row], [new_row] = online_windows.read(
        client, (OLD, wanted), (new, wanted), at=at.timestamp()
    )
    past = [view.rows(known.known(connection, view, wanted, [at]))[0] for view in (OLD, new)]
    for row_of in ((old_row, new_row), past):
        assert [row["trend"] if row else None for row in row_of] == [1.5, 6.0]

    from feast import FeatureStore

    from features import store

    feast = FeatureStore(
        config=store.config().model_copy(update={"registry_config": str(tmp_path / "registry.db")})
    )
    feast.apply(store.definitions())
    refs = ["learner_windows:trend", "learner_windows_v2:trend"]
    asked = [{"user_id": learner.id}]
    online = feast.get_online_features(refs, asked, full_feature_names=True).to_dict()
    frame = pd.DataFrame([{**asked[0], "event_timestamp": at}])
    trained = feast.get_historical_features(frame, refs, full_feature_names=True).to_df()
    for found in (online, trained):
        trends = found["learner_windows__trend"][0], found["learner_windows_v2__trend"][0]
        assert trends == (1.5, 6.0)
