"""Titles of courses and items: panels speak in ids, the LMS knows what they are called.

What is known is answered at once; what is not is fetched in the background, so that no panel waits
for the LMS. A title is asked for again after a while, and an LMS that is away costs nothing but
titles: the page then shows the beginning of the id.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpx

COURSE, ITEM = "course_id", "item_id"
KEPT_S = 60.0
RETRY_S = 5.0


class Names:
    """Titles by id, from the LMS behind ``client``; ``clock`` says when to ask again."""

    def __init__(
        self, client: httpx.AsyncClient, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[str, dict[str, str]] = {}
        self._ask_again_at: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def among(
        self, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]
    ) -> dict[str, dict[str, str]]:
        """``{id: {"title": …, "origin": …}}`` of the courses and items in the rows."""
        where = {name: columns.index(name) for name in (COURSE, ITEM) if name in columns}
        if not where:
            return {}
        found: set[str] = set()
        courses: set[str] = set()
        for row in rows:
            values = {name: str(row[i]) for name, i in where.items() if row[i] is not None}
            found.update(values.values())
            if COURSE in values:
                courses.add(values[COURSE])
            if ITEM in values and values[ITEM] not in self._known and COURSE in values:
                self._fetch(f"/api/v1/courses/{values[COURSE]}/items")
        if courses - self._known.keys() or self._due("/api/v1/courses"):
            self._fetch("/api/v1/courses")
        return {id_: self._known[id_] for id_ in sorted(found & self._known.keys())}

    def _due(self, path: str) -> bool:
        return self._clock() >= self._ask_again_at.get(path, 0.0)

    def _fetch(self, path: str) -> None:
        if not self._due(path):
            return
        self._ask_again_at[path] = self._clock() + RETRY_S
        task = asyncio.get_running_loop().create_task(self._learn(path))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _learn(self, path: str) -> None:
        try:
            response = await self._client.get(path)
            response.raise_for_status()
            body = response.json()
        except (httpx.HTTPError, ValueError):
            return  # asked again after RETRY_S
        for entry in body:
            self._known[entry["id"]] = {"title": entry["title"], "origin": "?"}
        self._ask_again_at[path] = self._clock() + KEPT_S
