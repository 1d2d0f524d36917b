"""What ids are called: panels speak in ids, the LMS knows the titles of courses and items.

What is known is answered at once; what is not is fetched in the background, so that no panel waits
for the LMS. A title is asked for again after a while, and an LMS that is away costs nothing but
titles: the page then shows the beginning of the id.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import httpx

COURSE, ITEM = "course_id", "item_id"
KEPT_S = 300.0
RETRY_S = 10.0
"""After a failure, and while an id is unknown: what was just made has no title here yet."""
_PAGE = 200
_COURSES = "/api/v1/courses"
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
        self._asked_at: dict[str, float] = {}
        self._people: dict[UUID, tuple[float, str | None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def among(
        self, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]
    ) -> dict[str, dict[str, str]]:
        """``{id: {"title": …, "origin": …}}`` of the courses and items in the rows, if known."""
        where = {name: columns.index(name) for name in (COURSE, ITEM) if name in columns}
        found: set[str] = set()
        wanted: dict[str, set[str]] = {}
        """Ids by the list of the LMS they are in."""
        for row in rows:
            ids = {name: _id(row[i]) for name, i in where.items()}
            course, item = ids.get(COURSE), ids.get(ITEM)
            found.update(filter(None, (course, item)))
            if course:
                wanted.setdefault(_COURSES, set()).add(course)
            if course and item:
                wanted.setdefault(f"{_COURSES}/{course}/items", set()).add(item)
        for path, among in wanted.items():
            self._fetch(path, KEPT_S if among <= self._known.keys() else RETRY_S)
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

    def _fetch(self, path: str, kept_s: float) -> None:
        """Unless it was asked for less than ``kept_s`` ago; never twice at a time."""
        if self._clock() < self._asked_at.get(path, -math.inf) + kept_s:
            return
        self._asked_at[path] = self._clock()
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
            # Away, or not our LMS: what is known stays, and is asked for again soon.
            self._asked_at[path] = self._clock() - KEPT_S + RETRY_S


def _id(value: object) -> str | None:
    """A column of ids may also hold words, such as "other courses"."""
    try:
        return str(value if isinstance(value, UUID) else UUID(str(value)))
    except ValueError:
        return None
