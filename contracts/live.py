"""Live counters in Redis: what happens now, per institution and course, and its keys.

    live:{institution}:{minute}                     hash: course id → events; ``ALL`` → all courses'
    live:{institution}:{minute}:rows                hash: the messages that the sums are made of
    live:{institution}:{minute}:learners            HyperLogLog of learner ids
    live:{institution}:{course}:{minute}:learners   the same for one course

``minute`` counts minutes since 1970, a learner is in that of their last moment: the union of the
last minutes' sets is who was active in them. Sums are those of ``course_activity_minute``, which
the job publishes to ``lms.live``::

    {"tiles": "course_activity_minute", "bucket_at": "2026-11-01T10:20:00Z", "institution_id": …,
     "course_id": …, "kind": "page", "part": 730, "events": 3, …}

A later message of a key replaces an earlier one; an event counts in the minute of its own moment.
Learners come from ``learner_tiles`` (``contracts.tiles``). All keys expire.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

MINUTES = 60
"""How many minutes readers find, the one in progress among them."""
KEPT_S = (MINUTES + 5) * 60
"""A key expires so long after its minute began."""
ALL = ""
"""The field of all courses together."""
FILLED = "live:filled"
"""Set while Redis has all of the last hour and somebody keeps it so."""
FILLED_S = 30
"""The mark expires so long after its writer fell silent: then readers ask the database."""

TABLE = "course_activity_minute"
"""The table of sums whose rows are published."""


def minute_of(moment: datetime) -> int:
    return int(moment.timestamp()) // 60


def sums_key(institution_id: str, minute: int) -> str:
    return f"live:{institution_id}:{minute}"


def rows_key(institution_id: str, minute: int) -> str:
    return f"live:{institution_id}:{minute}:rows"


def learners_key(institution_id: str, course_id: str | None, minute: int) -> str:
    place = f"{institution_id}:{course_id}" if course_id else institution_id
    return f"live:{place}:{minute}:learners"


def learners_keys(
    institution_id: str, course_ids: Iterable[str] | None, now: int, minutes: int
) -> list[str]:
    """The sets whose union is who was active in the last ``minutes``, that of ``now`` included;
    of all courses where ``course_ids`` is None."""
    places: list[str | None] = [None] if course_ids is None else list(course_ids)
    return [
        learners_key(institution_id, place, minute)
        for place in places
        for minute in range(now - minutes + 1, now + 1)
    ]
