"""A repeated request is done once."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

import pytest

from contracts.event import UUID_PATTERN
from contracts.ids import new_id
from core_lms import idempotency
from core_lms.assessment.kinds import kinds
from core_lms.idempotency import resource_id
from gateway.caller import Caller

ANY = "0190f5a2-7c1e-7b54-9d0a-3f2b6f1f0c11"


def person(institution_id: str = ANY, user_id: str = ANY) -> Caller:
    return Caller(
        "person",
        institution_id,
        user_id,
        frozenset({"student@institution"}),
        name=f"user/{user_id}",
    )


def test_a_key_and_its_sender_name_an_id() -> None:
    mira, ben = person(), person(user_id=new_id())
    assert resource_id(mira, "event", "k") == resource_id(mira, "event", "k")
    for key in ("k", ANY, ANY.upper()):
        assert resource_id(mira, "event", key) != resource_id(ben, "event", key)
        assert resource_id(mira, "event", key) != key
    assert resource_id(mira, "event", "k") != resource_id(mira, "submission", "k")
    assert resource_id(mira, "event", "k") != resource_id(person(new_id()), "event", "k")
    assert resource_id(mira, "event", None) != resource_id(mira, "event", None)


def test_ids_that_keys_name_are_in_the_order_of_the_keys() -> None:
    keys = [ANY.replace("7c1e", later) for later in ("7c1e", "7c1f", "7c20")]
    ids = [resource_id(person(), "event", key) for key in keys]
    assert ids == sorted(ids)
    assert all(re.fullmatch(UUID_PATTERN, id_) and id_[14] == "7" for id_ in ids)
    assert not set(ids) & set(keys)


def test_an_import_says_which_ids_things_had_and_no_other_machine_does() -> None:
    importer = Caller("machine", ANY, permissions=frozenset({"*"}), name="machine/driver")
    robot = Caller("machine", ANY, permissions=frozenset({"item.*"}), name="key/robot")
    assert resource_id(importer, "event", ANY) == ANY
    assert resource_id(importer, "event", ANY.upper()) != ANY.upper()
    assert resource_id(robot, "event", ANY) != ANY


@pytest.mark.integration
@pytest.mark.parametrize("key", ["attempt-1", ANY])
def test_another_learner_with_the_same_key_gets_an_attempt_of_their_own(lms: Any, key: str) -> None:
    """Before, they were given the first one's attempt, answers and all."""
    course_id, quiz, question = quizzed(lms)
    path = f"/assessments/{quiz}/attempts"
    ids = [lms.user(), lms.user()]
    for learner in ids:
        lms.enrollment(course_id, learner)
    mira, ben = (lms.person(learner) for learner in ids)
    first = mira.made(path, {}, key=key)
    answer = {"question_id": question, "answer": {"choice": "a"}, "revision": 1}
    assert mira.post(f"/attempts/{first['id']}/answers", answer).status_code == 200
    second = ben.made(path, {}, key=key)
    assert second["id"] != first["id"]
    assert (first["user_id"], second["user_id"]) == tuple(ids)
    assert [q["answer"] for q in second["questions"]] == [None]
    assert mira.post(path, {}, key=key).json()["id"] == first["id"], "a repeat is a repeat"
    assert ben.post(path, {}, key=key).json()["id"] == second["id"]


def quizzed(lms: Any) -> tuple[str, str, str]:
    """A course, a quiz of it that asks one question, and the question."""
    course_id = lms.course()
    bank = lms.made(f"/courses/{course_id}/banks", {"title": "Statistics"})
    single = {"kind": "single", "body": dict(kinds()["single"].example)}
    question = lms.made(f"/banks/{bank['id']}/questions", single)
    quiz = lms.assessment(course_id)
    lms.made(f"/assessments/{quiz}/parts", {"question_id": question["id"]})
    return course_id, quiz, question["id"]


@pytest.mark.integration
def test_a_repeat_is_answered_to_who_may_still_see_what_was_made(lms: Any) -> None:
    mine, other = lms.user("instructor"), lms.user("instructor")
    teacher = lms.person(mine, "instructor@institution")
    body = {"title": "A draft of somebody else", "instructor_id": other}
    course = teacher.made("/courses", body, key="k")
    lms.call("PATCH", f"/courses/{course['id']}", json={"title": "Not for all"},
             headers={"If-Match": "*"})  # fmt: skip
    assert teacher.get(f"/courses/{course['id']}").status_code == 403
    repeated = teacher.post("/courses", body, key="k")
    assert repeated.status_code == 403, repeated.text
    assert "Not for all" not in repeated.text
    own = {"title": "Mine", "instructor_id": mine}
    made = teacher.made("/courses", own, key="l")
    assert teacher.post("/courses", own, key="l").json()["id"] == made["id"]


@pytest.mark.integration
def test_somebody_else_s_key_tells_nothing_and_takes_nothing(lms: Any) -> None:
    """A key that named the id showed who asks whether there is such a thing, and could be taken."""
    course_id, mira, ben = lms.course(), lms.user(), lms.user()
    path, key = f"/courses/{course_id}/enrollments", new_id()
    assert lms.person(ben).made(path, {"user_id": ben}, key=key)["id"] != key
    assert lms.person(mira).post(path, {"user_id": mira}, key=key).status_code == 201
    assert lms.get(f"/enrollments/{key}").status_code == 404


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
def test_a_fingerprint_from_before_it_was_keyed_still_counts(
    lms: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"email": f"{new_id()}@example.org", "name": "Mira"}
    with monkeypatch.context() as before:
        before.setattr(idempotency, "blind_index", lambda _, text: sha256(text.encode()).digest())
        first = lms.made("/users", body, key="k")
    again = lms.post("/users", body, key="k")
    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    assert lms.post("/users", body | {"name": "Ben"}, key="k").status_code == 422


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
    [completed] = [e for e in lms.events() if e["event_type"] == "content.completed"]
    before = lms.events()
    view = {"event_type": "content.viewed", "user_id": learner}
    refused = lms.post(path, view, key=completed["event_id"])
    assert (refused.status_code, completed["event_id"] in refused.json()["detail"]) == (409, True)
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
