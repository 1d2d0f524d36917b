"""A repeated request is done once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contracts.ids import named_id, new_id
from core_lms.idempotency import resource_id

ANY = "0190f5a2-7c1e-7b54-9d0a-3f2b6f1f0c11"


def test_a_key_that_is_a_canonical_uuid_is_the_id_and_others_name_one() -> None:
    assert resource_id(ANY, "event", ANY) == ANY
    assert resource_id(ANY, "event", ANY.upper()) == named_id(ANY, "event", ANY.upper())
    assert resource_id(ANY, "event", "page 4") == named_id(ANY, "event", "page 4")
    assert resource_id(ANY, "event", "k") != resource_id(ANY, "submission", "k")
    assert resource_id(ANY, "event", "k") != resource_id(new_id(), "event", "k")
    assert resource_id(ANY, "event", None) != resource_id(ANY, "event", None)


@pytest.mark.integration
def test_repeating_a_request_returns_the_same_resource_and_emits_nothing_more(lms: Any) -> None:
    teacher = lms.user("instructor")
    learner, course_id = lms.user(), lms.course()
    item_id, assessment_id = lms.item(course_id), lms.assessment(course_id)
    lms.enrollment(course_id, learner)
    submission = lms.made(f"/assessments/{assessment_id}/submissions", {"user_id": learner})
    requests = [
        ("/users", {"email": f"{new_id()}@example.org", "name": "Sam"}),
        ("/courses", {"title": "A", "instructor_id": teacher}),
        (f"/courses/{course_id}/items", {"kind": "page", "title": "A"}),
        (f"/courses/{course_id}/assessments", {"kind": "quiz", "title": "A"}),
        (f"/courses/{course_id}/enrollments", {"user_id": lms.user()}),
        (
            f"/courses/{course_id}/items/{item_id}/events",
            {"event_type": "content.viewed", "user_id": learner},
        ),
        (f"/assessments/{assessment_id}/submissions", {"user_id": learner}),
        (
            f"/submissions/{submission['id']}/feedback",
            {"given_by": teacher, "text": "Good"},
        ),
    ]
    for number, (path, body) in enumerate(requests):
        key = f"request-{number}"
        first = lms.made(path, body, key=key)
        events = lms.events()
        again = lms.post(path, body, key=key)
        assert (again.status_code, again.json()["id"]) == (200, first["id"]), path
        assert lms.events() == events, path
        other = lms.post(path, {**body, **_difference(body)}, key=key)
        assert other.status_code == 422, path
        assert "Idempotency-Key" in other.json()["detail"]
        assert lms.events() == events, path


def _difference(body: dict[str, Any]) -> dict[str, Any]:
    for name in ("title", "name", "text"):
        if name in body:
            return {name: "B"}
    return {"occurred_at": "2026-02-17T14:30:00Z"}


@pytest.mark.integration
def test_the_same_request_sent_at_once_from_many_sides_is_done_once(lms: Any) -> None:
    course_id, learner = lms.course(), lms.user()
    path = f"/courses/{course_id}/items/{lms.item(course_id)}/events"
    lms.enrollment(course_id, learner)
    body = {"event_type": "content.viewed", "user_id": learner}
    key = new_id()

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: lms.post(path, body, key=key), range(16)))

    assert sorted(answer.status_code for answer in answers) == [200] * 15 + [201]
    assert {answer.json()["id"] for answer in answers} == {key}
    assert lms.types().count("content.viewed") == 1


@pytest.mark.integration
def test_a_key_that_another_institution_used_as_an_id_is_refused(lms: Any) -> None:
    key = lms.user()
    body = {"email": f"{new_id()}@example.org", "name": "Sam"}
    answer = lms.elsewhere().post("/users", body, key=key)
    assert answer.status_code in (409, 422)


@pytest.mark.integration
def test_many_learners_completing_at_once_each_complete_once(lms: Any) -> None:
    course_id = lms.course()
    items = [lms.item(course_id) for _ in range(4)]
    learners = [lms.user() for _ in range(4)]
    for learner in learners:
        lms.enrollment(course_id, learner)

    def complete(pair: tuple[str, str]) -> int:
        body = {"event_type": "content.completed", "user_id": pair[0]}
        return int(lms.post(f"/courses/{course_id}/items/{pair[1]}/events", body).status_code)

    with ThreadPoolExecutor(8) as threads:
        pairs = [(learner, item) for item in items for learner in learners]
        assert set(threads.map(complete, pairs)) == {201}

    events = lms.events()
    for learner in learners:
        mine = [e for e in events if e["payload"].get("user_id") == learner]
        progress = [
            e["payload"]["progress"] for e in mine if e["event_type"] == "enrollment.progressed"
        ]
        assert progress == [25.0, 50.0, 75.0, 100.0]
        assert [e["event_type"] for e in mine].count("course.completed") == 1


def test_a_key_that_is_the_id_of_another_event_is_refused_and_leaves_nothing(lms: Any) -> None:
    """The event's row is written last, with the outbox: its refusal undoes all of it."""
    course_id, learner = lms.course(), lms.user()
    item = lms.item(course_id, "video", metadata={"duration_s": 10})
    lms.enrollment(course_id, learner)
    path = f"/courses/{course_id}/items/{item}/events"
    body = {"event_type": "video.watched", "user_id": learner, "from_s": 0, "to_s": 10}
    lms.made(path, body)
    [told] = [e for e in lms.events() if e["event_type"] == "content.completed"]
    before = lms.events()
    view = {"event_type": "content.viewed", "user_id": learner}
    refused = lms.post(path, view, key=told["event_id"])
    assert (refused.status_code, told["event_id"] in refused.json()["detail"]) == (409, True)
    assert lms.events() == before
    lms.made(path, view)


@pytest.mark.integration
def test_a_refused_request_leaves_its_key_unused(lms: Any) -> None:
    learner, stranger, course_id = lms.user(), lms.person(lms.user()), lms.course()
    path, key = f"/courses/{course_id}/enrollments", new_id()
    assert stranger.post(path, {"user_id": learner}, key=key).status_code == 403
    other = {"user_id": lms.user()}  # another body: a key that had been claimed would say 422
    assert lms.post(path, other, key=key).status_code == 201
    assert lms.get(f"/enrollments/{key}").json()["user_id"] == other["user_id"]


@pytest.mark.integration
def test_an_event_id_that_somebody_else_has_taken_is_a_conflict(lms: Any) -> None:
    learner, course_id = lms.user(), lms.course()
    lms.enrollment(course_id, learner)
    body = {"event_type": "content.viewed", "user_id": learner}
    item_id, key = lms.item(course_id), new_id()
    lms.made(f"/courses/{course_id}/items/{item_id}/events", body, key=key)
    elsewhere = lms.elsewhere()
    theirs, course = elsewhere.user(), elsewhere.course()
    elsewhere.enrollment(course, theirs)
    body = {"event_type": "content.viewed", "user_id": theirs}
    path = f"/courses/{course}/items/{elsewhere.item(course)}/events"
    assert elsewhere.post(path, body, key=key).status_code in (409, 422)
    assert [one["event_type"] for one in elsewhere.events()].count("content.viewed") == 0
