"""The catalogue of features: every view of ``features/views``, every service over them."""

from __future__ import annotations

from dataclasses import dataclass

from contracts import feature_views
from features import windowed

PROJECT = "learnstream"
"""Feast's project: part of every online key."""

REGISTRY_SCHEMA = "feast"
"""Feast's registry lives in the analytical database, so that whoever may read it can use it."""

VIEWS = feature_views.read_all()
WINDOW_VIEWS = windowed.read_all()
"""Views over tiles, merged as of the moment of asking."""


@dataclass(frozen=True, slots=True)
class Service:
    """The views one model reads, by name: Feast's feature service of the same name."""

    name: str
    views: tuple[str, ...]


RECOMMENDER = Service("recommender", ("learner_activity", "item_popularity"))
SERVICES = (RECOMMENDER,)
