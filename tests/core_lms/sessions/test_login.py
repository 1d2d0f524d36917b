"""Logging in, staying in and getting out, over HTTP on the real parts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from joserfc import jwt

from core_lms.access import operator
from core_lms.sessions import repository, service
from core_lms.sessions.passwords import Hashing
from core_lms.sessions.settings import SessionSettings
from core_lms.unit import Unit
from tests.core_lms.sessions.conftest import PASSWORD, Person
from tests.core_lms.units import in_unit

pytestmark = pytest.mark.integration


def test_a_login_gives_a_token_that_says_who_and_what(mira: Person) -> None:
    answer = mira.log_in()
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    claims = jwt.decode(tokens["access_token"], operator.ring().signer()[1], ["Ed25519"]).claims
    assert claims["user_id"] == tokens["user_id"] == mira.user_id
    assert claims["roles"] == ["student@institution"]
    assert claims["sid"] == tokens["session_id"]
    assert "course.list" in claims["permissions"]
    assert "user.set-status" not in claims["permissions"]
    assert claims["exp"] - claims["iat"] == tokens["expires_in"]
    assert mira.me(tokens) == 200
    assert mira.email not in tokens["access_token"]


def test_the_address_may_be_written_in_any_case(mira: Person) -> None:
    mira.email = mira.email.upper()
    assert mira.log_in().status_code == 201


def test_wrong_and_unknown_get_the_same_answer(mira: Person, anybody: Any) -> None:
    without_password = anybody(password=None)
    unknown = Person(mira.lms, mira.user_id, f"x{mira.email}")
    elsewhere = Person(mira.lms.elsewhere(), mira.user_id, mira.email)
    answers = [
        mira.log_in("not the password"),
        without_password.log_in(),
        unknown.log_in(),
        elsewhere.log_in(),
    ]
    assert {answer.status_code for answer in answers} == {401}
    said = [answer.json() | {"request_id": None} for answer in answers]
    assert all(one == said[0] for one in said)


def test_guessing_has_to_wait_and_is_told_how_long(mira: Person) -> None:
    answers = [mira.log_in("not the password") for _ in range(SessionSettings().free_failures)]
    assert {answer.status_code for answer in answers} == {401}
    refused = mira.log_in()
    assert refused.status_code == 429, "the right password has to wait as well"
    assert re.fullmatch(r"[1-9]\d*", refused.headers["retry-after"])


def test_a_hash_of_weaker_parameters_is_renewed_by_the_login(
    mira: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hash_now() -> str:
        async def read(unit: Unit) -> Any:
            return await repository.password_hash(unit, mira.user_id)

        return str(in_unit(mira.lms.institution_id, read))

    before = hash_now()
    mira.tokens()
    assert hash_now() == before
    stronger = Hashing(SessionSettings(argon2_passes=3))
    monkeypatch.setattr(service, "hashing", lambda: stronger)
    mira.tokens()
    assert "t=3" in hash_now()
    mira.tokens()


def test_a_refresh_continues_with_the_roles_of_now(mira: Person) -> None:
    tokens = mira.tokens()
    mira.lms.made(
        f"/users/{mira.user_id}/roles", {"role_name": "instructor", "scope": "institution"}
    )
    answer = mira.refresh(tokens)
    assert answer.status_code == 200
    claims = jwt.decode(
        answer.json()["access_token"], operator.ring().signer()[1], ["Ed25519"]
    ).claims
    assert claims["roles"] == ["instructor@institution", "student@institution"]
    assert claims["sid"] == tokens["session_id"]


def test_a_refresh_needs_no_header_to_find_its_institution(mira: Person) -> None:
    body = {"refresh_token": mira.tokens()["refresh_token"]}
    assert mira.lms.http.post("/api/v1/sessions/refresh", json=body).status_code == 200


def test_a_refresh_does_not_make_the_login_fresh_again(mira: Person) -> None:
    first = mira.tokens()
    second = mira.refresh(first).json()
    key = operator.ring().signer()[1]
    claims = [jwt.decode(t["access_token"], key, ["Ed25519"]).claims for t in (first, second)]
    assert claims[0]["auth_time"] == claims[1]["auth_time"]


def test_a_copied_refresh_token_ends_the_session_for_everybody(mira: Person) -> None:
    stolen = mira.tokens()
    owners = mira.refresh(stolen).json()
    newest = mira.refresh(owners).json()

    answer = mira.refresh(stolen)

    assert answer.status_code == 401
    assert "used before" in answer.json()["detail"]
    assert mira.refresh(newest).status_code == 401
    assert [mira.me(tokens) for tokens in (stolen, owners, newest)] == [401, 401, 401]


def test_logging_out_counts_from_the_next_request_on_and_only_there(mira: Person) -> None:
    here, there = mira.tokens(), mira.tokens()
    path = f"/users/{mira.user_id}/sessions"
    listed = mira.call(here, "GET", path).json()["items"]
    assert {row["id"]: row["current"] for row in listed} == {
        here["session_id"]: True,
        there["session_id"]: False,
    }
    assert mira.call(here, "DELETE", f"{path}/{there['session_id']}").status_code == 204
    assert mira.me(there) == 401
    assert mira.refresh(there).status_code == 401
    assert mira.me(here) == 200
    assert mira.call(here, "DELETE", f"{path}/{there['session_id']}").status_code == 404
    assert mira.call(here, "DELETE", path).status_code == 204
    assert mira.me(here) == 401


def test_nobody_ends_another_s_session(mira: Person, anybody: Any) -> None:
    victim, tokens = anybody(), mira.tokens()
    theirs = victim.tokens()
    for path in (
        f"/users/{victim.user_id}/sessions/{theirs['session_id']}",
        f"/users/{mira.user_id}/sessions/{theirs['session_id']}",
    ):
        assert mira.call(tokens, "DELETE", path).status_code in (403, 404)
    assert victim.me(theirs) == 200


def test_who_is_suspended_is_out_at_once_and_stays_out(mira: Person) -> None:
    tokens = mira.tokens()
    minted = mira.lms.person(mira.user_id)
    assert minted.get(f"/users/{mira.user_id}").status_code == 200

    set_status(mira, "suspended")

    assert mira.me(tokens) == 401
    assert mira.refresh(tokens).status_code == 401
    assert minted.get(f"/users/{mira.user_id}").status_code == 401, "a token without a session"
    refused = mira.log_in()
    assert refused.status_code == 403
    assert "suspended" in refused.json()["detail"]
    assert mira.log_in("not the password").status_code == 401, "only who knows it learns that"

    set_status(mira, "active")

    assert mira.me(tokens) == 401
    assert mira.me(mira.tokens()) == 200


def test_a_password_is_changed_by_who_knows_it_and_the_others_are_out(mira: Person) -> None:
    here, there = mira.tokens(), mira.tokens()
    path = f"/users/{mira.user_id}/password"

    def change(current: str, new: str) -> Any:
        return mira.call(here, "PUT", path, json={"current": current, "new": new})

    assert change("not the password", "seven quiet harbours").status_code == 422
    assert change(PASSWORD, "password123").status_code == 422
    assert change(PASSWORD, "seven quiet harbours").status_code == 204
    assert mira.me(here) == 200
    assert mira.me(there) == 401
    assert mira.log_in().status_code == 401
    assert mira.log_in("seven quiet harbours").status_code == 201
    assert mira.lms.types()[-1] == "user.password.changed"


def test_no_administrator_sets_another_s_password(mira: Person) -> None:
    body = {"current": PASSWORD, "new": "seven quiet harbours"}
    answer = mira.lms.call("PUT", f"/users/{mira.user_id}/password", json=body)
    assert answer.status_code == 403


def set_status(person: Person, status: str) -> None:
    path = f"/users/{person.user_id}/status"
    body = {"status": status}
    answer = person.lms.call("PUT", path, json=body, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
