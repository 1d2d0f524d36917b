"""The catalogue of features: every view of ``features/views``, every service over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contracts import feature_views
from contracts.errors import Rejected
from features import windowed
from features.windowed import WindowView
from stack.arguments import meant

PROJECT = "learnstream"
"""Feast's project: part of every online key."""

REGISTRY_SCHEMA = "feast"
"""Feast's registry lives in the analytical database, so that whoever may read it can use it."""

VIEWS = feature_views.read_all()
WINDOW_VIEWS = windowed.read_all()
"""Views over tiles, merged as of the moment of asking."""


def window_views(names: Sequence[str] = ()) -> dict[str, WindowView]:
    """These windowed views, or all; raises ``Rejected`` for one that is not there."""
    for name in names:
        if name not in WINDOW_VIEWS:
            hint = meant(name, WINDOW_VIEWS)
            raise Rejected(f"no windowed feature view is called {name!r}{hint}", view=name)
    return {name: WINDOW_VIEWS[name] for name in names or WINDOW_VIEWS}


@dataclass(frozen=True, slots=True)
class Service:
    """The features one model reads, by view: Feast's feature service of the same name."""

    name: str
    reads: Mapping[str, tuple[str, ...]]

    def view(self, name: str) -> WindowView:
        """The view with the features that the model reads."""
        return WINDOW_VIEWS[name].only(self.reads[name])


RECOMMENDER = Service(
    "recommender",
    {
        "learner_windows": ("events_28d", "recency_hours"),
        "item_windows": ("item_views_7d", "item_views_all", "item_recency_hours"),
    },
)
SERVICES = (RECOMMENDER,)
