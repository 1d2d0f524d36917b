"""The stream and the store agree on what a feature view holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.catalogue import VIEWS
from pipelines.derive import features as derived
from pipelines.derive.features import DUE, rows
from pipelines.job import FeatureView, catalogue
from stack import postgres
from stack.profile import Profile

FLINK = {"int": "BIGINT", "float": "DOUBLE", "text": "STRING"}

WRITTEN = {
    written.view: written.features
    for job in catalogue().values()
    for written in job.writes
    if isinstance(written, FeatureView)
}


def test_every_view_has_one_writer_and_a_job_writes_the_same_features_and_types() -> None:
    assert not WRITTEN.keys() & DUE.keys()
    assert VIEWS.keys() == WRITTEN.keys() | DUE.keys()
    for name, written in WRITTEN.items():
        features = VIEWS[name].features
        assert {feature: FLINK[type_] for feature, type_ in features.items()} == written


POSTGRES = {20: "int", 23: "int", 25: "text", 701: "float"}
"""Type codes of a result's columns: bigint, integer, text, double precision."""


@pytest.mark.integration
@pytest.mark.parametrize("view", DUE)
def test_a_derived_view_tells_the_same_features_and_types(stack: Profile, view: str) -> None:
    with postgres.connect_analytics() as connection:
        assert list(rows(connection, view, [])) == []
        answered = connection.execute(
            (Path(derived.__file__).parent / "features" / f"{view}.sql").read_bytes()
        )
        columns = answered.description or []
        told = {column.name: POSTGRES.get(column.type_code) for column in columns[3:]}
    assert told == dict(VIEWS[view].features)
