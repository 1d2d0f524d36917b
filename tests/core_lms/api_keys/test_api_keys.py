"""Keys of machines: shown once, kept as a hash, scoped, ended at once."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from contracts.ids import new_id
from core_lms.api_keys import keys
from core_lms.api_keys.scheme import KeyHolders
from core_lms.app import create_app
from stack.postgres import PostgresSettings, pool

pytestmark = pytest.mark.integration

UNKNOWN = "unknown, revoked or expired"


def made(lms: Any, *scopes: str, **more: Any) -> dict[str, Any]:
    key: dict[str, Any] = lms.made("/api-keys", {"name": "robot", "scopes": [*scopes], **more})
    return key


def robot(lms: Any, key: str) -> Any:
    return type(lms)(lms.http, lms.database, lms.institution_id, key)


@pytest.fixture
def another_process(stack: Any) -> Iterator[TestClient]:
    """A second LMS, with a memory of its own."""
    with TestClient(create_app()) as client:
        yield client


def test_a_key_does_what_its_scopes_name_and_nothing_else(lms: Any) -> None:
    course_id = lms.course()
    machine = robot(lms, made(lms, "course.list", "price.*")["key"])
    assert [one["id"] for one in machine.get("/courses").json()["items"]] == [course_id]
    assert machine.get(f"/courses/{course_id}/prices").json() == {"items": []}
    assert machine.get(f"/courses/{course_id}").status_code == 403
    assert machine.post("/courses", {"title": "A", "instructor_id": new_id()}).status_code == 403


def test_a_key_is_of_its_institution_whatever_the_request_says(lms: Any) -> None:
    lms.course()
    elsewhere = lms.elsewhere()
    key = made(elsewhere, "course.list")["key"]
    answer = lms.http.get(
        "/api/v1/courses",
        headers={"Authorization": f"Bearer {key}", "X-Institution-Id": lms.institution_id},
    )
    assert answer.json()["items"] == []


def test_the_key_is_shown_once_and_stored_as_a_hash_only(lms: Any) -> None:
    body, name = {"name": "robot", "scopes": ["course.list"]}, new_id()
    first = lms.post("/api-keys", body, key=name)
    again = lms.post("/api-keys", body, key=name)
    assert (first.status_code, again.status_code) == (201, 200)
    key = first.json()["key"]
    assert again.json()["key"] is None
    assert first.headers["cache-control"] == "no-store"
    assert "key" not in lms.get(f"/api-keys/{name}").json()
    [row] = lms.database.execute("SELECT * FROM api_keys WHERE id = %s", [name]).fetchall()
    assert hashlib.sha256(key.encode()).digest() in row
    assert key not in str(row)
    assert key not in str(lms.events())
    assert key.startswith(first.json()["start"])
    assert lms.types() == ["api_key.created"]


def test_a_revoked_key_is_refused_at_once_by_every_process(
    lms: Any, another_process: TestClient
) -> None:
    key = made(lms, "course.list")
    headers = {"Authorization": f"Bearer {key['key']}"}
    machine = robot(lms, key["key"])
    assert machine.get("/courses").status_code == 200
    assert another_process.get("/api/v1/courses", headers=headers).status_code == 200
    for _ in range(2):
        assert lms.post(f"/api-keys/{key['id']}/revoke").json()["revoked_at"]
    assert machine.get("/courses").status_code == 401
    assert another_process.get("/api/v1/courses", headers=headers).status_code == 401
    assert lms.types() == ["api_key.created", "api_key.revoked"]


def test_an_expired_key_is_refused_and_none_is_made_that_has_expired(lms: Any) -> None:
    key = made(lms, "course.list")
    lms.database.execute(
        "UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id = %s", [key["id"]]
    )
    answer = robot(lms, key["key"]).get("/courses")
    assert answer.status_code == 401
    assert UNKNOWN in answer.json()["detail"]
    past = (datetime.now(UTC) - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {"name": "late", "scopes": ["course.list"], "expires_at": past}
    assert lms.post("/api-keys", body).status_code == 422


def test_what_a_process_remembers_of_a_key_ends_with_the_key(lms: Any) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=3600)
    key = made(lms, "course.list", expires_at=soon.strftime("%Y-%m-%dT%H:%M:%SZ"))

    async def run() -> list[Any]:
        now = [0.0]
        holders = KeyHolders(lambda: now[0])
        async with pool(PostgresSettings().app_url) as database:
            seen = [await holders.caller_of_key(database, key["key"])]
            lms.database.execute(
                "UPDATE api_keys SET revoked_at = now() WHERE id = %s", [key["id"]]
            )
            for now[0] in (9.0, 10.1):
                seen.append(await holders.caller_of_key(database, key["key"]))
        return seen

    first, remembered, asked_again = asyncio.run(run())
    assert first == remembered
    assert (first.kind, first.session_id, first.name) == ("machine", key["id"], f"key/{key['id']}")
    assert asked_again is None


def test_the_last_use_is_noted(lms: Any) -> None:
    key = made(lms, "course.list")
    assert lms.get(f"/api-keys/{key['id']}").json()["last_used_at"] is None
    robot(lms, key["key"]).get("/courses")
    used = datetime.fromisoformat(lms.get(f"/api-keys/{key['id']}").json()["last_used_at"])
    assert datetime.now(UTC) - used < timedelta(minutes=1)


@pytest.mark.parametrize("scope", ["enrolment.*", "course.eat", "course", "*.read", "", "course."])
def test_a_scope_names_an_action_that_there_is(lms: Any, scope: str) -> None:
    answer = lms.post("/api-keys", {"name": "robot", "scopes": [scope]})
    assert answer.status_code == 422
    assert "scopes" in answer.json()["detail"]


def test_a_machine_gives_no_more_than_it_has(lms: Any) -> None:
    machine = robot(lms, made(lms, "api_key.*", "course.*")["key"])
    assert machine.post("/api-keys", {"name": "x", "scopes": ["course.read"]}).status_code == 201
    for scope in ("*", "enrollment.*", "enrollment.create"):
        answer = machine.post("/api-keys", {"name": "x", "scopes": [scope]})
        assert answer.status_code == 403, scope


def test_a_key_has_256_random_bits_and_a_check_of_its_spelling() -> None:
    made_keys = {keys.new() for _ in range(1000)}
    assert len(made_keys) == 1000
    for key in made_keys:
        assert keys.well_formed(key)
        assert len(key) == 4 + 43 + 6
    key = made_keys.pop()
    flipped = key[:20] + ("a" if key[20] != "a" else "b") + key[21:]
    for wrong in (flipped, key[:-1], key + "0", "lsk_", key.replace("lsk_", "sk_"), key + "é"):
        assert not keys.well_formed(wrong)


@pytest.mark.parametrize("key", ["lsk_", "lsk_" + "a" * 49, f"lsk_{'0' * 43}000000x"])
def test_nonsense_is_refused_without_asking_the_database(lms: Any, key: str) -> None:
    assert robot(lms, key).get("/courses").status_code == 401


def test_a_well_formed_key_nobody_made_is_refused(lms: Any) -> None:
    assert robot(lms, keys.new()).get("/courses").status_code == 401
