"""What counts as a feature row."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import Rejected
from contracts.ids import DEFAULT_INSTITUTION, named_id
from features import rows
from features.catalogue import SERVICES, VIEWS, WINDOW_VIEWS


def row(**features: Any) -> dict[str, Any]:
    return {
        "feature_view": "item_quality",
        "entity_id": named_id("item"),
        "institution_id": DEFAULT_INSTITUTION,
        "event_timestamp": "2026-11-01T10:00:00Z",
        "features": features,
    }


LEARNER = row() | {"feature_view": "learner_activity"}


def reason(message: bytes | None) -> str:
    with pytest.raises(Rejected) as refused:
        rows.decode(message)
    return str(refused.value.reason)


def test_a_row_with_a_missing_and_an_unknown_feature_is_accepted() -> None:
    decoded = rows.decode(json.dumps(row(learner_days_28d=3, from_tomorrow=1)).encode())
    assert decoded.features["learner_days_28d"] == 3


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"{", "not_json"),
        (b"[]", "invalid"),
        (json.dumps(row() | {"feature_view": "unheard_of"}).encode(), "unknown_view"),
        (json.dumps(row() | {"entity_id": "42"}).encode(), "invalid"),
        (json.dumps(row(learner_days_28d="3")).encode(), "invalid"),
        (json.dumps(row(learner_days_28d=3.5)).encode(), "invalid"),
        (json.dumps(row(learner_days_28d=2**63)).encode(), "invalid"),
        (json.dumps(LEARNER | {"features": {"last_item_id": "\x00"}}).encode(), "invalid"),
        (b" " * (256 * 1024 + 1), "too_large"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_reason(
    message: bytes | None, expected: str
) -> None:
    assert reason(message) == expected


@given(st.binary(max_size=200))
def test_no_message_does_anything_but_decode_or_be_refused(message: bytes) -> None:
    try:
        rows.decode(message)
    except Rejected as error:
        assert error.reason  # noqa: PT017


def test_services_name_features_that_exist() -> None:
    for service in SERVICES:
        for view, names in service.reads.items():
            assert set(names) <= WINDOW_VIEWS[view].features.keys()


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
def test_a_views_trail_is_made_of_its_own_features(view: Any) -> None:
    if view.trail is not None:
        assert {view.trail.member, view.trail.at} <= view.features.keys()
