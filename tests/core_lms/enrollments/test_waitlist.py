"""Seats are given exactly, in the order of coming, however many ask at once."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contracts.ids import new_id

pytestmark = pytest.mark.integration


def full_course(lms: Any, capacity: int) -> str:
    body = {"title": "Pottery", "instructor_id": lms.user("instructor"), "capacity": capacity}
    course_id = str(lms.made("/courses", body)["id"])
    lms.item(course_id, "page")
    assert lms.post(f"/courses/{course_id}/publish").status_code == 200
    return course_id


def enroll(lms: Any, course_id: str, user_id: str, key: str | None = None) -> Any:
    return lms.post(f"/courses/{course_id}/enrollments", {"user_id": user_id}, key=key)


def waiting(lms: Any, course_id: str) -> list[str]:
    rows = lms.get(f"/courses/{course_id}/waitlist").json()["items"]
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    return [row["user_id"] for row in rows]


def inside(lms: Any, course_id: str) -> set[str]:
    rows = lms.get(f"/courses/{course_id}/enrollments", limit=200).json()["items"]
    return {row["user_id"] for row in rows if row["status"] == "enrolled"}


def capacity(lms: Any, course_id: str, seats: int | None) -> Any:
    path, version = f"/courses/{course_id}", {"If-Match": "*"}
    return lms.call("PATCH", path, json={"capacity": seats}, headers=version)


def test_fifty_who_ask_at_once_for_ten_seats_are_ten_enrolled_and_forty_waiting(lms: Any) -> None:
    course_id = full_course(lms, 10)
    learners = [lms.user() for _ in range(50)]
    start = threading.Barrier(25)

    def ask(learner: str) -> int:
        start.wait()
        return int(enroll(lms, course_id, learner).status_code)

    with ThreadPoolExecutor(25) as many:
        answers = Counter(many.map(ask, learners))

    assert answers == {201: 10, 202: 40}
    seated, queue = inside(lms, course_id), waiting(lms, course_id)
    assert (len(seated), len(queue)) == (10, 40)
    assert seated.isdisjoint(queue)
    emitted = Counter(lms.types())
    assert (emitted["enrollment.created"], emitted["enrollment.waitlisted"]) == (10, 40)

    # Eight leave at once: the first eight of the queue get their seats, in its order.
    rows = lms.get(f"/courses/{course_id}/enrollments").json()["items"][:8]
    with ThreadPoolExecutor(8) as many:
        for answer in many.map(lambda row: lms.post(f"/enrollments/{row['id']}/drop"), rows):
            assert answer.status_code == 200, answer.text
    gone = {row["user_id"] for row in rows}
    assert inside(lms, course_id) == seated - gone | set(queue[:8])
    assert waiting(lms, course_id) == queue[8:]
    created = [e for e in lms.events() if e["event_type"] == "enrollment.created"]
    assert [event["payload"]["user_id"] for event in created[10:]] == queue[:8]


def test_who_comes_and_goes_at_once_never_overfills_a_course(lms: Any) -> None:
    course_id = full_course(lms, 3)
    first = [enroll(lms, course_id, lms.user()).json()["id"] for _ in range(3)]
    newcomers = [lms.user() for _ in range(12)]
    acts = [lambda id_=id_: lms.post(f"/enrollments/{id_}/drop") for id_ in first]
    acts += [lambda user=user: enroll(lms, course_id, user) for user in newcomers]
    with ThreadPoolExecutor(15) as many:
        codes = Counter(answer.status_code for answer in many.map(lambda act: act(), acts))
    assert set(codes) <= {200, 201, 202}
    assert len(inside(lms, course_id)) == 3
    assert len(waiting(lms, course_id)) == 9


def test_a_seat_goes_to_whoever_waits_longest_under_the_id_of_their_place(lms: Any) -> None:
    course_id = full_course(lms, 1)
    seated = enroll(lms, course_id, lms.user()).json()
    learner, key = lms.user(), new_id()
    place = enroll(lms, course_id, learner, key)
    assert place.status_code == 202
    assert (place.json()["status"], place.json()["position"]) == ("waitlisted", 1)
    assert enroll(lms, course_id, learner, key).status_code == 202
    enroll(lms, course_id, lms.user())
    assert lms.get(f"/courses/{course_id}/waitlist/{learner}").json()["position"] == 1

    lms.post(f"/enrollments/{seated['id']}/drop")

    enrolled = lms.get(f"/enrollments/{key}").json()
    assert (enrolled["user_id"], enrolled["status"]) == (learner, "enrolled")
    assert lms.get(f"/courses/{course_id}/waitlist/{learner}").status_code == 404
    again = enroll(lms, course_id, learner, key)
    assert (again.status_code, again.json()["status"]) == (200, "enrolled")
    assert lms.types()[-2:] == ["enrollment.dropped", "enrollment.created"]


def test_nobody_waits_twice_or_while_inside(lms: Any) -> None:
    course_id = full_course(lms, 1)
    seated, learner = lms.user(), lms.user()
    enroll(lms, course_id, seated)
    enroll(lms, course_id, learner)
    for user, words in ((seated, "already"), (learner, "waits")):
        answer = enroll(lms, course_id, user)
        assert answer.status_code == 409
        assert words in answer.json()["detail"]


def test_who_stops_waiting_gets_no_seat_and_it_is_told(lms: Any) -> None:
    course_id = full_course(lms, 1)
    seated = enroll(lms, course_id, lms.user()).json()
    first, second = lms.user(), lms.user()
    for learner in (first, second):
        enroll(lms, course_id, learner)
    path = f"/courses/{course_id}/waitlist/{first}"
    assert lms.call("DELETE", path).status_code == 204
    assert lms.call("DELETE", path).status_code == 404
    assert lms.types()[-1] == "enrollment.waitlist.left"
    lms.post(f"/enrollments/{seated['id']}/drop")
    assert inside(lms, course_id) == {second}
    # Whoever comes back queues at the end.
    assert enroll(lms, course_id, first).json()["position"] == 1


def test_more_seats_are_given_at_once_and_fewer_throw_nobody_out(lms: Any) -> None:
    course_id = full_course(lms, 1)
    learners = [lms.user() for _ in range(5)]
    for learner in learners:
        enroll(lms, course_id, learner)
    assert capacity(lms, course_id, 3).status_code == 200
    assert inside(lms, course_id) == set(learners[:3])
    assert waiting(lms, course_id) == learners[3:]
    assert capacity(lms, course_id, 1).status_code == 200
    assert inside(lms, course_id) == set(learners[:3])
    assert capacity(lms, course_id, None).status_code == 200
    assert inside(lms, course_id) == set(learners)
    assert waiting(lms, course_id) == []


def test_who_was_suspended_meanwhile_is_passed_over(lms: Any, database: Any) -> None:
    course_id = full_course(lms, 1)
    seated = enroll(lms, course_id, lms.user()).json()
    suspended, learner = lms.user(), lms.user()
    for user in (suspended, learner):
        enroll(lms, course_id, user)
    database.execute("UPDATE users SET status = 'suspended' WHERE id = %s", [suspended])
    lms.post(f"/enrollments/{seated['id']}/drop")
    assert inside(lms, course_id) == {learner}
    assert waiting(lms, course_id) == [suspended]


def test_learners_see_and_give_up_their_own_place_only(lms: Any) -> None:
    course_id = full_course(lms, 1)
    enroll(lms, course_id, lms.user())
    mine, other = lms.user(), lms.user()
    me = lms.person(mine)
    assert enroll(me, course_id, mine).status_code == 202
    assert me.get(f"/courses/{course_id}/waitlist/{mine}").json()["position"] == 1
    assert me.get(f"/courses/{course_id}/waitlist").status_code == 403
    assert enroll(me, course_id, other).status_code == 403
    assert lms.person(other).get(f"/courses/{course_id}/waitlist/{mine}").status_code == 403
