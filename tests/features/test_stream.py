"""The derivation and the feature store agree on what a feature view holds."""

from __future__ import annotations

import pytest

from contracts.feature_views import View
from features.catalogue import VIEWS
from pipelines.derive.features import query, rows
from stack import postgres
from stack.profile import Profile

pytestmark = pytest.mark.integration

POSTGRES = {20: "int", 23: "int", 25: "text", 701: "float"}
"""Type codes of a result's columns: bigint, integer, text, double precision."""


@pytest.mark.parametrize("view", VIEWS.values(), ids=list(VIEWS))
def test_the_query_of_a_view_makes_the_declared_features(stack: Profile, view: View) -> None:
    with postgres.connect_analytics() as connection:
        assert list(rows(connection, view.name, [])) == []
        answer = connection.execute(query(view.name, "rows").encode())
        described = answer.description or []
        columns = {column.name: POSTGRES.get(column.type_code) for column in described[3:]}
    assert columns == dict(view.features)
