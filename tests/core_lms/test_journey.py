"""A learner's way through a course, over HTTP, on the real application and database."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.envelope import decode
from contracts.ids import new_id

pytestmark = pytest.mark.integration


def test_a_learner_registers_enrolls_studies_submits_and_completes(lms: Any) -> None:
    course_id = lms.course()
    first = lms.item(course_id, "video")
    second = lms.item(course_id, "page")
    forum = lms.item(course_id, "forum", required=False)
    assessment_id = lms.assessment(course_id)
    learner = lms.user()
    enrollment_id = lms.enrollment(course_id, learner)
    before = len(lms.events())

    def study(item_id: str, event_type: str, at: str, **more: Any) -> None:
        body = {"event_type": event_type, "user_id": learner, "occurred_at": at, **more}
        lms.made(f"/courses/{course_id}/items/{item_id}/events", body)

    study(first, "content.viewed", "2026-02-17T14:00:00Z", clicks=3)
    study(first, "video.played", "2026-02-17T14:01:00Z", position_s=0)
    study(first, "video.seeked", "2026-02-17T14:02:00Z", from_s=60.5, to_s=10)
    study(first, "video.paused", "2026-02-17T14:09:00Z", position_s=430.5)
    study(first, "content.completed", "2026-02-17T14:10:00Z")
    study(second, "content.viewed", "2026-02-17T18:00:00Z")
    study(second, "content.downloaded", "2026-02-17T18:05:00Z")
    study(forum, "forum.posted", "2026-02-17T18:06:00Z", text="Which bin width?")
    study(second, "content.completed", "2026-02-17T18:12:30Z")
    body = {"user_id": learner, "occurred_at": "2026-02-18T09:00:00Z"}
    submission = lms.made(f"/assessments/{assessment_id}/submissions", body)
    grader = lms.user("instructor")
    grade = {"score": 87.5, "graded_by": grader}
    graded = lms.post(f"/submissions/{submission['id']}/grade", grade).json()
    lms.made(f"/submissions/{submission['id']}/feedback", {"given_by": grader, "text": "Good"})

    assert graded["score"] == 87.5
    events = lms.events()[before:]
    assert [event["event_type"] for event in events] == [
        "content.viewed",
        "video.played",
        "video.seeked",
        "video.paused",
        "content.completed",
        "enrollment.progressed",
        "content.viewed",
        "content.downloaded",
        "forum.posted",
        "content.completed",
        "enrollment.progressed",
        "assessment.submitted",
        "enrollment.progressed",
        "course.completed",
        "user.created",
        "assessment.graded",
        "assessment.feedback.given",
    ]
    progress = [
        event["payload"]["progress"]
        for event in events
        if event["event_type"] == "enrollment.progressed"
    ]
    assert progress == [33.33, 66.66, 100.0]
    [completed] = [event for event in events if event["event_type"] == "course.completed"]
    assert completed["timestamp"] == "2026-02-18T09:00:00Z"
    assert completed["source_service"] == "course-service"
    assert completed["payload"] == {
        "enrollment_id": enrollment_id,
        "user_id": learner,
        "course_id": course_id,
        "completion_percentage": 100.0,
        "certification_issued": False,
        # 14:00 to 14:10 and 18:00 to 18:12:30; the hours between are a pause
        "time_spent_minutes": 22,
    }
    [enrollment] = lms.get(f"/users/{learner}/enrollments").json()["items"]
    assert (enrollment["status"], enrollment["progress"]) == ("completed", 100.0)
    assert enrollment["completed_at"] == "2026-02-18T09:00:00Z"
    finished = lms.get(f"/users/{learner}/completed-items").json()["items"]
    assert {row["item_id"] for row in finished} == {first, second}


def test_every_event_in_the_outbox_is_one_its_topic_accepts_and_names_nobody(
    lms: Any, database: Any
) -> None:
    course_id = lms.course()
    learner = lms.user()
    lms.enrollment(course_id, learner)
    body = {"event_type": "content.viewed", "user_id": learner}
    lms.made(f"/courses/{course_id}/items/{lms.item(course_id)}/events", body)
    lms.post(f"/courses/{course_id}/archive")

    rows = database.execute(
        "SELECT topic, key, message FROM outbox WHERE message::jsonb ->> 'institution_id' = %s",
        [lms.institution_id],
    ).fetchall()

    assert len(rows) == 14
    for topic, key, message in rows:
        envelope = decode(topic, message.encode())
        assert (envelope.topic, envelope.key) == (topic, key)
        assert "Sam" not in message
        assert "@" not in message


def test_an_event_carries_the_id_its_key_gives_and_the_moment_it_happened(lms: Any) -> None:
    course_id = lms.course()
    item_id = lms.item(course_id)
    learner = lms.user()
    lms.enrollment(course_id, learner)
    event_id = new_id()
    body = {
        "event_type": "content.viewed",
        "user_id": learner,
        "clicks": 7,
        "occurred_at": "2014-05-03T00:00:00Z",
    }

    recorded = lms.made(f"/courses/{course_id}/items/{item_id}/events", body, key=event_id)

    assert recorded["id"] == event_id
    event = lms.events()[-1]
    assert event["event_id"] == event_id
    assert event["timestamp"] == "2014-05-03T00:00:00Z"
    assert event["source_service"] == "content-service"
    assert event["payload"]["clicks"] == 7
    assert event["payload"]["kind"] == "video"


def test_a_course_goes_from_draft_to_published_to_archived_telling_each_step_once(
    lms: Any,
) -> None:
    course_id = lms.course(published=False)
    lms.item(course_id)
    for step in ("publish", "publish", "archive", "archive"):
        assert lms.post(f"/courses/{course_id}/{step}").status_code == 200
    assert lms.post(f"/courses/{course_id}/publish").status_code == 409

    assert lms.types() == [
        "user.created",
        *("course.created", "course.described"),
        *("course.updated", "item.described"),
        *("course.published", "course.described"),
        *("course.archived", "course.described"),
    ]


def test_changing_a_course_is_told_and_changing_nothing_is_not(lms: Any) -> None:
    course_id = lms.course()
    before = lms.types()

    version = {"If-Match": lms.get(f"/courses/{course_id}").headers["ETag"]}
    title = {"title": "Probability"}
    changed = lms.call("PATCH", f"/courses/{course_id}", json=title, headers=version)
    version = {"If-Match": changed.headers["ETag"]}
    again = lms.call("PATCH", f"/courses/{course_id}", json=title, headers=version)

    assert (changed.json()["title"], again.status_code) == ("Probability", 200)
    assert lms.types() == [*before, "course.updated", "course.described"]


def test_lists_come_in_pages_that_neither_skip_nor_repeat(lms: Any) -> None:
    course_id = lms.course()
    items = [lms.item(course_id, title=f"Item {number}") for number in range(7)]
    learners = [lms.user() for _ in range(5)]
    for learner in learners:
        lms.enrollment(course_id, learner)

    def all_pages(path: str, limit: int) -> list[dict[str, Any]]:
        rows, cursor = [], None
        while True:
            page = lms.get(path, limit=limit, **({"cursor": cursor} if cursor else {})).json()
            assert len(page["items"]) <= limit
            rows += page["items"]
            cursor = page["next"]
            if cursor is None:
                return rows

    [welcome] = [row for row in all_pages(f"/courses/{course_id}/items", 3) if row["position"] == 0]
    assert [row["id"] for row in all_pages(f"/courses/{course_id}/items", 3)] == [
        welcome["id"],
        *items,
    ]
    enrolled = all_pages(f"/courses/{course_id}/enrollments", 2)
    assert [row["user_id"] for row in enrolled] == learners
    courses = {course_id} | {lms.course(published=False) for _ in range(3)}
    assert {row["id"] for row in all_pages("/courses", 1)} == courses
    assert [row["id"] for row in lms.get("/courses", status="published").json()["items"]] == [
        course_id
    ]
