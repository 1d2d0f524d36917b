"""The stream and the store agree on what a feature view holds."""

from __future__ import annotations

from features.catalogue import VIEWS
from pipelines.job import FeatureView, catalogue

FLINK = {"int": "BIGINT", "float": "DOUBLE", "text": "STRING"}

WRITTEN = {
    written.view: written.features
    for job in catalogue().values()
    for written in job.writes
    if isinstance(written, FeatureView)
}


def test_every_view_is_written_by_a_job_with_the_same_features_and_types() -> None:
    expected = {
        name: {feature: FLINK[type_] for feature, type_ in view.features.items()}
        for name, view in VIEWS.items()
    }
    assert expected == WRITTEN
