"""Kept answers through the API: never across tenants, never past a permission, never old."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis
from prometheus_client import REGISTRY

from contracts.envelope import wrap
from contracts.events.courses import CourseUpdated
from core_lms import answers
from core_lms.answers import Entry
from core_lms.cache.consumers.invalidate import CONSUMER
from core_lms.unit import Unit
from gateway.caller import service
from stack.redis import RedisSettings

pytestmark = pytest.mark.integration


def asked(kind: str, result: str) -> float:
    labels = {"kind": kind, "result": result}
    return REGISTRY.get_sample_value("lms_cache_requests_total", labels) or 0.0


def kept(entry: Entry) -> bytes | None:
    found: bytes | None = redis.Redis.from_url(RedisSettings().url).get(entry.keys[0])  # type: ignore[assignment]
    return found


def test_the_second_reader_gets_the_kept_answer_and_its_tag(lms: Any) -> None:
    course_id = lms.course()
    kinds = {"course": f"/courses/{course_id}", "contents": f"/courses/{course_id}/items"}
    for kind, path in kinds.items():
        learner = lms.person(lms.user())
        first, hits = learner.get(path), asked(kind, "hit")
        second = learner.get(path)
        assert (second.json(), second.headers["etag"]) == (first.json(), first.headers["etag"])
        assert asked(kind, "hit") == hits + 1
        again = learner.call("GET", path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_a_kept_answer_is_nobody_s_in_another_institution(lms: Any) -> None:
    course_id = lms.course()
    path = f"/courses/{course_id}"
    assert lms.person(lms.user()).get(path).status_code == 200
    there = lms.elsewhere()
    assert there.person(there.user()).get(path).status_code == 404
    assert there.get(path).status_code == 404


def test_a_permission_that_ends_ends_at_once_whatever_is_kept(lms: Any) -> None:
    course_id = lms.course()
    stranger, path = lms.person(lms.user()), f"/courses/{course_id}"
    assert stranger.get(path).status_code == 200
    entry = answers.course(lms.institution_id, course_id)
    before = kept(entry)
    assert before is not None
    assert lms.post(f"{path}/archive").status_code == 200
    redis.Redis.from_url(RedisSettings().url).set(entry.keys[0], before)  # as if it had stayed
    assert stranger.get(path).status_code == 403


def test_a_change_is_seen_by_the_next_reader_and_was_kept_with_the_write(lms: Any) -> None:
    course_id = lms.course()
    path, learner = f"/courses/{course_id}", lms.person(lms.user())
    tag = learner.get(path).headers["etag"]
    changed = lms.call("PATCH", path, json={"title": "New"}, headers={"If-Match": tag})
    assert changed.status_code == 200, changed.text
    hits = asked("course", "hit")
    seen = learner.get(path)
    assert (seen.json()["title"], seen.headers["etag"]) == ("New", changed.headers["etag"])
    assert seen.json() == changed.json()
    assert asked("course", "hit") == hits + 1


def test_a_new_item_is_in_the_next_table_of_contents(lms: Any) -> None:
    course_id = lms.course()
    path, learner = f"/courses/{course_id}/items", lms.person(lms.user())
    before = [item["id"] for item in learner.get(path).json()["items"]]
    item_id = lms.item(course_id)
    assert [item["id"] for item in learner.get(path).json()["items"]] == [*before, item_id]


def test_whoever_runs_the_course_gets_more_than_what_is_kept_for_learners(lms: Any) -> None:
    course_id = lms.course()
    lms.item(course_id, "page", metadata={"body": "The mean of a sample."})
    path = f"/courses/{course_id}/items"
    learner = lms.person(lms.user())
    for _ in range(2):
        assert "The mean" not in learner.get(path).text
        assert "The mean" in lms.get(path).text


def test_a_write_that_fails_changes_nothing_for_readers(lms: Any) -> None:
    course_id = lms.course()
    path, learner = f"/courses/{course_id}", lms.person(lms.user())
    title = learner.get(path).json()["title"]
    stale = lms.call("PATCH", path, json={"title": "New"}, headers={"If-Match": '"other"'})
    assert stale.status_code == 412
    assert learner.get(path).json()["title"] == title


def test_the_event_forgets_what_a_killed_writer_left(lms: Any) -> None:
    course_id = lms.course()
    lms.person(lms.user()).get(f"/courses/{course_id}")
    entry = answers.course(lms.institution_id, course_id)
    assert kept(entry) is not None
    event = wrap(
        CourseUpdated(course_id=course_id),
        institution_id=lms.institution_id,
        source_service="course-service",
    )
    unit = Unit(None, service("cache.invalidate", lms.institution_id))  # type: ignore[arg-type]
    asyncio.run(CONSUMER.handle(unit, event))
    assert kept(entry) is None


def test_an_answer_that_is_one_person_s_is_not_for_keeping(lms: Any) -> None:
    learner = lms.user()
    assert lms.get("/courses").headers["cache-control"] == "private, no-store"
    assert lms.get(f"/users/{learner}").headers["cache-control"] == "private, no-cache"
    assert "public" in lms.http.get("/.well-known/jwks.json").headers["cache-control"]
