"""What ids are called: panels speak in ids, the LMS knows the titles of courses and items.

What is known is answered at once; what is not is fetched in the background, so that no panel waits
for the LMS. A title is asked for again after a while, and an LMS that is away costs nothing but
titles: the page then shows the beginning of the id.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import httpx

COURSE, ITEM = "course_id", "item_id"
KEPT_S = 300.0
RETRY_S = 5.0
_PAGE = 200
_ORIGINS = {"oulad": "OULAD", "open-catalogue": "demo"}
"""``metadata.source`` of the LMS → what the page says: real and anonymous, or made up."""


class Names:
    """Titles by id, from the LMS behind ``client``; ``clock`` says when to ask again."""

    def __init__(
        self, client: httpx.AsyncClient, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[str, dict[str, str]] = {}
        self._ask_again_at: dict[str, float] = {}
        self._people: dict[UUID, tuple[float, str | None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def among(
        self, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]
    ) -> dict[str, dict[str, str]]:
        """``{id: {"title": …, "origin": …}}`` of the courses and items in the rows, if known."""
        where = {name: columns.index(name) for name in (COURSE, ITEM) if name in columns}
        found: set[str] = set()
        for row in rows:
            ids = {name: str(row[i]) for name, i in where.items() if row[i] is not None}
            found.update(ids.values())
            if COURSE in ids:
                self._fetch("/api/v1/courses")
                if ITEM in ids:
                    self._fetch(f"/api/v1/courses/{ids[COURSE]}/items")
        return {id_: self._known[id_] for id_ in sorted(found & self._known.keys())}

    async def of_person(self, user_id: UUID) -> str | None:
        """The account's name if it is invented; None for anybody real, and while the LMS is away.

        Names of real people never reach this page: an id is enough to follow a learner.
        """
        until, name = self._people.get(user_id, (0.0, None))
        if self._clock() < until:
            return name
        kept_s = KEPT_S
        try:
            response = await self._client.get(f"/api/v1/users/{user_id}")
            account = response.json() if response.is_success else {}
            name = account["name"] if account.get("profile", {}).get("invented") else None
        except (httpx.HTTPError, ValueError):
            kept_s = RETRY_S
        self._people[user_id] = (self._clock() + kept_s, name)
        return name

    def _fetch(self, path: str) -> None:
        """Once per ``KEPT_S`` (``RETRY_S`` after a failure), and never twice at a time."""
        if self._clock() < self._ask_again_at.get(path, 0.0):
            return
        self._ask_again_at[path] = self._clock() + RETRY_S
        task = asyncio.get_running_loop().create_task(self._learn(path))
        self._tasks.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._tasks.discard)

    async def _learn(self, path: str) -> None:
        query = {"limit": str(_PAGE)}
        try:
            while True:
                response = await self._client.get(path, params=query)
                response.raise_for_status()
                body = response.json()
                for entry in body["items"]:
                    origin = _ORIGINS.get(entry["metadata"].get("source", ""), "")
                    self._known[entry["id"]] = {"title": entry["title"], "origin": origin}
                if body["next"] is None:
                    break
                query["cursor"] = body["next"]
        except (httpx.HTTPError, ValueError, KeyError):
            return  # away, or not our LMS: asked again after RETRY_S
        self._ask_again_at[path] = self._clock() + KEPT_S
