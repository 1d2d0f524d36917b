"""The catalogue of features: every view found under ``features/views``, every service over them."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass

from features import views
from features.view import View

PROJECT = "learnstream"
"""Feast's project: part of every online key."""

VIEWS: dict[str, View] = {
    view.name: view
    for view in (
        importlib.import_module(f"{views.__name__}.{module.name}").VIEW
        for module in pkgutil.iter_modules(views.__path__)
    )
}


@dataclass(frozen=True, slots=True)
class Service:
    """The views one model reads, by name: Feast's feature service of the same name."""

    name: str
    views: tuple[str, ...]


RECOMMENDER = Service("recommender", ("learner_activity", "item_popularity"))
SERVICES = (RECOMMENDER,)
