"""The stream and the store agree on what a feature view holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.catalogue import VIEWS
from pipelines.derive import features as derived
from pipelines.derive.features import DUE, rows
from stack import postgres
from stack.profile import Profile


def test_every_view_has_a_writer() -> None:
    assert VIEWS.keys() == DUE.keys()


POSTGRES = {20: "int", 23: "int", 25: "text", 701: "float"}
"""Type codes of a result's columns: bigint, integer, text, double precision."""


@pytest.mark.integration
@pytest.mark.parametrize("view", DUE)
def test_a_derived_view_makes_the_same_features_and_types(stack: Profile, view: str) -> None:
    with postgres.connect_analytics() as connection:
        assert list(rows(connection, view, [])) == []
        answer = connection.execute(
            (Path(derived.__file__).parent / "features" / f"{view}.sql").read_bytes()
        )
        described = answer.description or []
        columns = {column.name: POSTGRES.get(column.type_code) for column in described[3:]}
    assert columns == dict(VIEWS[view].features)
