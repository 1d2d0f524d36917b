"""Guardians act once the school has verified them; a name that is withheld is not on the list."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.integration


def test_a_guardian_sees_nothing_before_and_everything_after_verification(lms: Any) -> None:
    child, parent = lms.user(), lms.user()
    admin = lms.person(lms.user("admin"), "admin@institution")
    path = f"/users/{child}/guardians"
    added = lms.person(child).post(path, {"guardian_id": parent})
    assert (added.status_code, added.json()["verified_at"]) == (201, None)
    assert lms.person(child).post(path, {"guardian_id": parent}).status_code == 200
    assert lms.person(parent).get(f"/users/{child}").status_code == 403
    assert lms.person(parent).post(f"{path}/{parent}/verify").status_code == 403
    assert lms.person(child).post(f"{path}/{parent}/verify").status_code == 403
    first = admin.post(f"{path}/{parent}/verify").json()
    assert first["verified_at"] is not None
    assert admin.post(f"{path}/{parent}/verify").json() == first
    assert lms.person(parent).get(f"/users/{child}").status_code == 200
    assert lms.person(parent).get(f"/users/{parent}/wards").json()["items"] == [first]
    assert lms.person(child).get(path).json()["items"] == [first]


def test_a_child_cannot_send_a_verified_parent_away_and_the_parent_can_go(lms: Any) -> None:
    child, parent = lms.user(), lms.user()
    path = f"/users/{child}/guardians"
    lms.made(path, {"guardian_id": parent})
    assert lms.post(f"{path}/{parent}/verify").status_code == 200
    assert lms.person(child).call("DELETE", f"{path}/{parent}").status_code == 403
    gone = lms.person(parent).call("DELETE", f"{path}/{parent}")
    assert gone.status_code == 204, gone.text
    assert lms.person(parent).get(f"/users/{child}").status_code == 403
    lms.made(path, {"guardian_id": parent})
    assert lms.person(child).call("DELETE", f"{path}/{parent}").status_code == 204


def test_nobody_is_their_own_guardian_or_one_from_elsewhere(lms: Any) -> None:
    child, stranger = lms.user(), lms.elsewhere().user()
    path = f"/users/{child}/guardians"
    assert lms.post(path, {"guardian_id": child}).status_code == 422
    assert lms.post(path, {"guardian_id": stranger}).status_code == 422


def test_classmates_see_names_not_withheld_and_teachers_see_everybody(lms: Any) -> None:
    course_id = lms.course()
    ana, ben = lms.user(), lms.user()
    for id_ in (ana, ben):
        lms.enrollment(course_id, id_)
    path = f"/courses/{course_id}/people"
    seen = lms.person(ana).get(path).json()["items"]
    assert [(one["user_id"], one["name"], one["email"]) for one in seen] == [
        (ana, "Sam Doe", None),
        (ben, "Sam Doe", None),
    ]
    choice = lms.person(ben).call("PUT", f"/users/{ben}/directory", json={"opted_out": True})
    assert choice.json() == {"opted_out": True}
    assert [one["user_id"] for one in lms.person(ana).get(path).json()["items"]] == [ana]
    assert len(lms.person(ben).get(path).json()["items"]) == 2  # oneself is no secret
    row = lms.database.execute("SELECT instructor_id FROM courses WHERE id = %s", [course_id])
    teacher = lms.person(str(row.fetchone()[0]), "instructor@institution")
    everybody = teacher.get(path, limit=1).json()
    rest = teacher.get(path, cursor=everybody["next"]).json()
    both = [*everybody["items"], *rest["items"]]
    assert [one["user_id"] for one in both] == [ana, ben]
    assert all("@example.org" in one["email"] for one in both)
    assert lms.person(lms.user()).get(path).status_code == 403
