"""Views of every item, read from the online store in the background, never within an answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt

from features.catalogue import VIEWS
from features.online import OnlineFeatures
from features.recommender.tables import ItemTables

VIEW = VIEWS["item_popularity"]
_CHUNK = 500  # per round trip: the loop stays free for answers in between


class Popularity:
    """The newest known ``item_popularity``: by item id, and as arrays over a model's items."""

    def __init__(self) -> None:
        self.views: dict[str, int] = {}
        self._last_viewed_s: dict[str, float] = {}
        self._arrays: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None = None
        self._of: ItemTables | None = None

    async def refresh(self, online: OnlineFeatures, item_ids: Sequence[str]) -> None:
        """Read all of ``item_ids`` again."""
        views, last = {}, {}
        for start in range(0, len(item_ids), _CHUNK):
            [rows] = await online.read((VIEW, item_ids[start : start + _CHUNK]))
            for item_id, row in rows.items():
                views[item_id] = int(row["views_total"] or 0)
                last[item_id] = seconds(row["last_viewed_at"])
        self.views, self._last_viewed_s, self._arrays = views, last, None

    def over(self, tables: ItemTables) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Views and last view (seconds, NaN: never) of the tables' items.

        An item that the online store lacks keeps the views it had when the tables were made.
        """
        if self._arrays is None or self._of is not tables:
            views = tables.views.astype(float)
            last = np.full(len(views), np.nan)
            for item_id, count in self.views.items():
                number = tables.index.get(item_id)
                if number is not None:
                    views[number], last[number] = count, self._last_viewed_s[item_id]
            self._arrays, self._of = (views, last), tables
        return self._arrays


def seconds(value: object) -> float:
    """A feature's ISO 8601 text as seconds since the epoch; NaN for none."""
    if not isinstance(value, str):
        return math.nan
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return math.nan
    return moment.timestamp() if moment.tzinfo else datetime.fromisoformat(value + "Z").timestamp()
