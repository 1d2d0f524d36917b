"""Accounts as they are changed: by their people, by administrators, and never by the wrong ones."""

from __future__ import annotations

import time
from typing import Any

import pytest

from contracts.ids import new_id
from core_lms.access import operator
from gateway.tokens import issue

pytestmark = pytest.mark.integration


def etag(lms: Any, user_id: str) -> str:
    return str(lms.get(f"/users/{user_id}").headers["etag"])


def put(lms: Any, user_id: str, what: str, body: dict[str, Any], tag: str = "*") -> Any:
    path = f"/users/{user_id}/{what}" if what else f"/users/{user_id}"
    return lms.call("PUT" if what else "PATCH", path, json=body, headers={"If-Match": tag})


def roles(lms: Any, user_id: str) -> set[tuple[str, str]]:
    items = lms.get(f"/users/{user_id}/roles").json()["items"]
    return {(row["role_name"], row["scope"]) for row in items}


def test_people_change_their_name_and_profile_and_see_whether_somebody_else_did(lms: Any) -> None:
    user_id = lms.user()
    me, before = lms.person(user_id), lms.types()
    tag = etag(me, user_id)
    assert me.call("PATCH", f"/users/{user_id}", json={"name": "Mo"}).status_code == 428

    changed = put(me, user_id, "", {"profile": {"language": "en"}}, tag)

    assert changed.status_code == 200
    assert (changed.json()["name"], changed.json()["profile"]) == ("Sam Doe", {"language": "en"})
    assert put(me, user_id, "", {"name": "Mo"}, tag).status_code == 412
    assert put(me, user_id, "", {"name": "Mo"}, changed.headers["etag"]).status_code == 200
    assert lms.types() == [*before, "user.updated", "user.updated"]
    assert "Mo" not in str(lms.events())


def test_changing_nothing_is_not_told(lms: Any) -> None:
    user_id = lms.user()
    before = lms.types()
    assert put(lms, user_id, "", {"name": "Sam Doe"}).status_code == 200
    assert put(lms, user_id, "status", {"status": "active"}).status_code == 200
    assert put(lms, user_id, "role", {"role": "student"}).status_code == 200
    assert put(lms, user_id, "", {}).status_code == 422
    assert lms.types() == before


def test_an_address_is_changed_after_a_fresh_login_and_has_to_be_proven_again(lms: Any) -> None:
    user_id, other = lms.user(), lms.user()
    me, email = lms.person(user_id), f"{new_id()}@example.org"
    changed = put(me, user_id, "email", {"email": email})
    assert changed.status_code == 200
    assert (changed.json()["email"], changed.json()["email_verified_at"]) == (email, None)
    assert lms.types()[-2:] == ["user.verification.requested", "user.updated"]
    assert put(lms, other, "email", {"email": email}).status_code == 409

    stale = type(lms)(lms.http, lms.database, lms.institution_id, stale_token(lms, user_id))
    assert put(stale, user_id, "email", {"email": f"y{email}"}).status_code == 403
    assert put(stale, user_id, "", {"name": "Still me"}).status_code == 200


def stale_token(lms: Any, user_id: str) -> str:
    """Of somebody who logged in an hour ago."""
    return issue(
        operator.ring(),
        lms.institution_id,
        user_id=user_id,
        roles=["student@institution"],
        authenticated_at=time.time() - 3600,
    )


def test_a_role_is_what_the_account_is_and_others_are_beside_it(lms: Any) -> None:
    user_id, course_id = lms.user(), lms.course()
    path = f"/users/{user_id}/roles"
    grant = {"role_name": "instructor", "scope": f"course:{course_id}"}
    made = lms.made(path, grant)
    assert lms.post(path, grant).status_code == 200, "whoever has it keeps it"
    assert roles(lms, user_id) == {
        ("student", "institution"),
        ("instructor", f"course:{course_id}"),
    }
    teaching = lms.person(user_id).post(
        f"/courses/{course_id}/items", {"kind": "page", "title": "Histograms"}
    )
    assert teaching.status_code == 201, "a role in a course counts at once"
    assert lms.call("DELETE", f"{path}/{made['id']}").status_code == 204
    assert lms.call("DELETE", f"{path}/{made['id']}").status_code == 404
    assert roles(lms, user_id) == {("student", "institution")}

    assert put(lms, user_id, "role", {"role": "instructor"}).status_code == 200
    assert roles(lms, user_id) == {("instructor", "institution")}
    [base] = lms.get(path).json()["items"]
    assert lms.call("DELETE", f"{path}/{base['id']}").status_code == 409


@pytest.mark.parametrize(
    "scope", ["everywhere", "course:", "course:1", "COURSE:" + "0" * 36, "institution ", ""]
)
def test_a_scope_is_one_of_three(lms: Any, scope: str) -> None:
    body = {"role_name": "instructor", "scope": scope}
    assert lms.post(f"/users/{lms.user()}/roles", body).status_code == 422


def test_a_role_in_a_course_of_another_institution_cannot_be_given(lms: Any) -> None:
    body = {"role_name": "instructor", "scope": f"course:{lms.elsewhere().course()}"}
    answer = lms.post(f"/users/{lms.user()}/roles", body)
    assert answer.status_code == 422
    assert "no course" in answer.json()["detail"]


def test_an_institution_s_administrator_makes_none_of_everything_and_leaves_them_alone(
    lms: Any,
) -> None:
    boss, user_id = lms.user("admin"), lms.user()
    lms.made(f"/users/{boss}/roles", {"role_name": "admin", "scope": "global"})
    admin = lms.person(lms.user("admin"), "admin@institution")
    everything = {"role_name": "admin", "scope": "global"}

    assert admin.post(f"/users/{user_id}/roles", everything).status_code == 403
    assert put(admin, boss, "status", {"status": "suspended"}).status_code == 403
    assert put(admin, boss, "email", {"email": "mine@example.org"}).status_code == 403
    assert put(admin, boss, "role", {"role": "student"}).status_code == 403
    assert admin.post(f"/users/{boss}/invitations").status_code == 403
    assert admin.call("DELETE", f"/users/{boss}/sessions").status_code == 403
    for row in lms.get(f"/users/{boss}/roles").json()["items"]:
        assert admin.call("DELETE", f"/users/{boss}/roles/{row['id']}").status_code == 403
    assert put(admin, user_id, "status", {"status": "suspended"}).status_code == 200
    ruler = lms.person(boss, "admin@global")
    assert ruler.post(f"/users/{user_id}/roles", everything).status_code == 201


def test_administrators_do_not_lock_themselves_out(lms: Any) -> None:
    user_id = lms.user("admin")
    admin = lms.person(user_id, "admin@institution")
    assert put(admin, user_id, "status", {"status": "suspended"}).status_code == 409
    assert put(admin, user_id, "role", {"role": "student"}).status_code == 409


def test_accounts_are_listed_in_pages_and_found_by_address_role_and_status(lms: Any) -> None:
    students = [lms.user() for _ in range(3)]
    teacher = lms.user("instructor")
    put(lms, students[0], "status", {"status": "inactive"})
    first = lms.get("/users", limit=2).json()
    rest = lms.get("/users", limit=2, cursor=first["next"]).json()
    assert [row["id"] for row in first["items"] + rest["items"]] == [*students, teacher]
    assert rest["next"] is None

    def found(**by: str) -> list[str]:
        return [row["id"] for row in lms.get("/users", **by).json()["items"]]

    assert found(role="instructor") == [teacher]
    assert found(status="inactive") == [students[0]]
    email = lms.get(f"/users/{teacher}").json()["email"]
    assert found(email=email.upper()) == [teacher]
    assert found(email=f"x{email}") == []
    assert lms.elsewhere().get("/users", email=email).json()["items"] == []


def test_an_invitation_is_a_mail_for_who_may_come(lms: Any) -> None:
    user_id = lms.user()
    assert lms.post(f"/users/{user_id}/invitations").status_code == 202
    assert lms.types()[-1] == "user.verification.requested"
    put(lms, user_id, "status", {"status": "suspended"})
    assert lms.post(f"/users/{user_id}/invitations").status_code == 409
