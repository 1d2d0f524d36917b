"""Views of every item, read from the online store in the background, never within an answer."""

from __future__ import annotations

from collections.abc import Sequence

from features.catalogue import WINDOW_VIEWS
from features.online_windows import OnlineWindows

VIEW = WINDOW_VIEWS["item_windows"].only(["item_views_all"])
_CHUNK = 500  # per round trip: the loop stays free for answers in between


class Popularity:
    """The newest known ``item_views_all`` by item id."""

    def __init__(self) -> None:
        self.views: dict[str, int] = {}

    async def refresh(self, online: OnlineWindows, item_ids: Sequence[str]) -> None:
        """Read all of ``item_ids`` again."""
        views = {}
        for start in range(0, len(item_ids), _CHUNK):
            some = item_ids[start : start + _CHUNK]
            [rows] = await online.read((VIEW, [(item_id,) for item_id in some]))
            for item_id, row in zip(some, rows, strict=True):
                if row is not None:
                    views[item_id] = int(row["item_views_all"] or 0)
        self.views = views
