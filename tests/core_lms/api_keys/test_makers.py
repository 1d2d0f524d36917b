"""A key ends, and counts no longer than whoever made it may make keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core_lms.api_keys import scheme

pytestmark = pytest.mark.integration


@pytest.fixture
def maker(lms: Any) -> Any:
    """An administrator, as the API sees them."""
    user_id = lms.user("admin")
    person = lms.person(user_id, "admin@institution")
    person.user_id = user_id
    return person


def made(who: Any, *scopes: str, **more: Any) -> dict[str, Any]:
    key: dict[str, Any] = who.made("/api-keys", {"name": "robot", "scopes": [*scopes], **more})
    return key


def robot(lms: Any, key: dict[str, Any]) -> Any:
    return type(lms)(lms.http, lms.database, lms.institution_id, key["key"])


def changed(lms: Any, user_id: str, what: str, value: str) -> None:
    answer = lms.call(
        "PUT", f"/users/{user_id}/{what}", json={what: value}, headers={"If-Match": "*"}
    )
    assert answer.status_code == 200, answer.text


def test_the_key_of_a_suspended_maker_is_refused_at_once(lms: Any, maker: Any) -> None:
    machine = robot(lms, made(maker, "course.list"))
    assert machine.get("/courses").status_code == 200
    changed(lms, maker.user_id, "status", "suspended")
    assert machine.get("/courses").status_code == 401
    changed(lms, maker.user_id, "status", "active")
    assert machine.get("/courses").status_code == 200, "with the maker their machines are back"


def test_the_key_of_an_erased_maker_is_refused_for_good(lms: Any, maker: Any) -> None:
    machine = robot(lms, made(maker, "course.list"))
    assert machine.get("/courses").status_code == 200
    assert lms.post(f"/users/{maker.user_id}/erase").status_code == 200
    assert machine.get("/courses").status_code == 401


def test_a_maker_who_may_make_no_keys_any_more_takes_them_along(
    lms: Any, maker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheme, "REMEMBERED_S", 0.0)  # else after ten seconds
    machine = robot(lms, made(maker, "course.list"))
    assert machine.get("/courses").status_code == 200
    changed(lms, maker.user_id, "role", "instructor")
    assert machine.get("/courses").status_code == 401


def test_a_key_made_by_a_key_is_of_the_same_maker_and_ends_with_either(
    lms: Any, maker: Any
) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    first = made(maker, "api_key.*", "course.*", expires_at=soon)
    second = made(robot(lms, first), "api_key.*", "course.*")
    third = made(robot(lms, second), "course.list")
    assert {key["created_by"] for key in (second, third)} == {maker.user_id}
    assert third["made_with"] == second["id"]
    assert second["expires_at"] == third["expires_at"] == first["expires_at"]
    machine = robot(lms, third)
    assert machine.get("/courses").status_code == 200
    assert lms.post(f"/api-keys/{first['id']}/revoke").status_code == 200
    assert machine.get("/courses").status_code == 401
    assert lms.types().count("api_key.revoked") == 3
    assert lms.get(f"/api-keys/{third['id']}").json()["revoked_at"]


def test_every_key_expires_and_none_later_than_the_setting_says(lms: Any, maker: Any) -> None:
    ends = datetime.fromisoformat(made(maker, "course.list")["expires_at"])
    assert timedelta(days=89) < ends - datetime.now(UTC) < timedelta(days=91)
    body = {"name": "eternal", "scopes": ["course.list"], "expires_at": "2199-01-01T00:00:00Z"}
    refused = maker.post("/api-keys", body)
    assert refused.status_code == 422
    assert "LMS_API_KEYS_LONGEST_LIFETIME_DAYS" in refused.json()["detail"]


def test_administrators_see_who_made_a_key_and_when_it_was_used(lms: Any, maker: Any) -> None:
    key = made(maker, "course.list")
    robot(lms, key).get("/courses")
    [row] = [one for one in lms.get("/api-keys").json()["items"] if one["id"] == key["id"]]
    assert row["created_by"] == maker.user_id
    used = datetime.fromisoformat(row["last_used_at"])
    assert datetime.now(UTC) - used < timedelta(minutes=1)
