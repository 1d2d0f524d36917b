"""Live panels over the API: from the counters in Redis while they are kept, else the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis

from contracts import live
from contracts.ids import new_id
from stack.redis import client

pytestmark = pytest.mark.integration

ACTIVE = "/analytics/dashboards/overview/panels/active_learners"
EVENTS = "/analytics/dashboards/overview/panels/events_per_minute"


@pytest.fixture
def redis(lms: Any) -> Iterator[Redis]:
    with closing(client()) as opened:
        opened.delete(live.FILLED)
        yield opened
        opened.delete(live.FILLED)


def count(redis: Redis, institution: str, course: str, minutes_ago: int, *learners: str) -> None:
    """An event of each learner, as ``pipelines.live`` counts them."""
    minute = live.minute_of(datetime.now(UTC)) - minutes_ago
    for field in (course, live.ALL):
        redis.hincrby(live.sums_key(institution, minute), field, len(learners))
    for place in (course, None):
        redis.pfadd(live.learners_key(institution, place, minute), *learners)


def active(who: Any, **params: Any) -> list[int]:
    answer = who.get(ACTIVE, **params)
    assert answer.status_code == 200, answer.text
    assert [column["name"] for column in answer.json()["columns"]] == [
        "last_15_minutes",
        "last_hour",
    ]
    [row] = answer.json()["rows"]
    return list(row)


def events(who: Any, **params: Any) -> list[int]:
    answer = who.get(EVENTS, **params)
    assert answer.status_code == 200, answer.text
    rows = answer.json()["rows"]
    assert len(rows) == live.MINUTES
    newest = datetime.fromisoformat(rows[-1][0])
    assert (datetime.now(UTC) - newest).total_seconds() < 120
    return [number for _, number in rows]


def test_a_live_panel_is_answered_by_the_counters_while_they_are_kept(
    lms: Any, redis: Redis
) -> None:
    admin = lms.person(lms.user("admin"), "admin@institution")
    course = lms.course()
    one, two, three = (new_id() for _ in range(3))
    count(redis, lms.institution_id, course, 1, one, two)
    count(redis, lms.institution_id, new_id(), 3, two)
    count(redis, lms.institution_id, course, 30, three)
    assert (active(admin), sum(events(admin))) == ([0, 0], 0), "nobody says that they are kept"
    redis.set(live.FILLED, 1, ex=60)
    assert active(admin) == [2, 3]
    found = events(admin)
    assert sum(found) == 4
    assert sum(found[-10:]) == 3
    assert active(lms.elsewhere()) == [0, 0]


def test_a_teacher_counts_in_the_courses_they_teach_and_others_in_the_database(
    lms: Any, redis: Redis
) -> None:
    taught, other, learner = lms.course(), lms.course(), lms.user()
    count(redis, lms.institution_id, taught, 2, learner, new_id())
    count(redis, lms.institution_id, other, 2, learner)
    redis.set(live.FILLED, 1, ex=60)
    teacher = lms.get(f"/courses/{taught}").json()["instructor_id"]
    who = lms.person(teacher, "instructor@institution")
    assert (active(who), sum(events(who))) == ([2, 2], 2)
    assert active(who, scope="self") == [0, 0]
    nobody = lms.person(lms.user("instructor"), "instructor@institution")
    assert nobody.get("/analytics/scope").json()["scope"] == "self"
    chief = lms.person(lms.user("admin"), "admin@global")
    assert len(events(chief, scope="installation")) == live.MINUTES
