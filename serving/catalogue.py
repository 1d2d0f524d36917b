"""The published courses and their items, kept in memory and followed as they change.

A copy on disk lets a restarted process answer while the LMS is away.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gateway.errors import NotFound
from serving.lms import Lms


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of content of a published course."""

    id: str
    course_id: str
    course_title: str
    kind: str
    title: str
    description: str
    position: int

    @property
    def has_text(self) -> bool:
        """Whether there is something to read besides a title, hence to compare by meaning."""
        return bool(self.description.strip())


@dataclass(frozen=True, slots=True)
class Course:
    """A published course with its items in order."""

    id: str
    title: str
    items: tuple[Item, ...]


class Catalogue:
    """What is published now; ``version`` grows with every change."""

    def __init__(self, courses: Iterable[Course] = (), copy_at: Path | None = None) -> None:
        self.courses: dict[str, Course] = {}
        self.items: dict[str, Item] = {}
        self.version = 0
        self.loaded = False
        self._copy_at = copy_at
        if courses:
            self._replace({course.id: course for course in courses})

    async def refresh(self, lms: Lms) -> bool:
        """Read everything from the LMS; returns whether anything changed. Raises ``Retryable``."""
        courses = {}
        async for row in lms.published_courses():
            courses[str(row["id"])] = await _course(lms, row)
        return self._replace(courses)

    async def refresh_course(self, lms: Lms, course_id: str) -> bool:
        """Read one course again, after an event about it. Raises ``Retryable``."""
        courses = dict(self.courses)
        try:
            row = await lms.course(course_id)
        except NotFound:
            row = {"status": "gone"}
        if row["status"] == "published":
            courses[course_id] = await _course(lms, row)
        else:
            courses.pop(course_id, None)
        return self._replace(courses)

    def restore(self) -> bool:
        """Use the copy on disk, if there is one and nothing newer is known."""
        if self.loaded or self._copy_at is None:
            return False
        try:
            rows = json.loads(self._copy_at.read_text(encoding="utf-8"))
            courses = {row["id"]: _from_copy(row) for row in rows}
        except (OSError, ValueError, KeyError, TypeError):
            return False  # none, or one of another version: the LMS has the original
        return self._replace(courses, keep_copy=False)

    def _replace(self, courses: dict[str, Course], keep_copy: bool = True) -> bool:
        self.loaded = True
        if courses == self.courses:
            return False
        self.items = {item.id: item for course in courses.values() for item in course.items}
        self.courses = courses
        self.version += 1
        if keep_copy and self._copy_at is not None:
            self._copy_at.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._copy_at.with_suffix(".new")
            fresh.write_text(json.dumps([asdict(course) for course in courses.values()]))
            fresh.replace(self._copy_at)
        return True


async def _course(lms: Lms, row: dict[str, Any]) -> Course:
    course_id = str(row["id"])
    title = row["title"]
    items = [_item(course_id, title, item) async for item in lms.items(course_id)]
    return Course(course_id, title, _in_order(items))


def _item(course_id: str, course_title: str, row: dict[str, Any]) -> Item:
    return Item(
        id=str(row["id"]),
        course_id=course_id,
        course_title=course_title,
        kind=row["kind"],
        title=row["title"],
        description=row["description"] or "",
        position=row["position"],
    )


def _in_order(items: Sequence[Item]) -> tuple[Item, ...]:
    return tuple(sorted(items, key=lambda item: (item.position, item.id)))


def _from_copy(row: dict[str, Any]) -> Course:
    return Course(row["id"], row["title"], tuple(Item(**item) for item in row["items"]))
