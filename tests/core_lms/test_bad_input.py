"""Whatever is sent, the answer is a problem document that says what is wrong, never a 500."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from contracts.ids import new_id
from core_lms.app import create_app
from gateway.bodies import MAX_BYTES
from stack.postgres import PostgresSettings

USER = {"email": "mira@example.org", "name": "Mira"}

BODIES: dict[str, tuple[bytes, int]] = {
    "empty": (b"", 422),
    "no JSON": (b"{", 400),
    "not an object": (b"[]", 422),
    "latin-1": ('{"name": "Café"}'.encode("latin-1"), 400),
    "utf-16": (json.dumps(USER).encode("utf-16"), 400),
    "raw NUL": (b'{"name": "a\0b"}', 400),
    "escaped NUL": (json.dumps({**USER, "name": "a\0b"}).encode(), 422),
    "half a surrogate pair": (json.dumps({**USER, "name": "\ud800"}).encode(), 422),
    "NUL in the profile": (json.dumps({**USER, "profile": {"a": ["\0"]}}).encode(), 422),
    "surrogate key": (json.dumps({**USER, "profile": {"\udfff": 1}}).encode(), 422),
    "not a number": (b'{"email":"a@b","name":"a","profile":{"a":NaN}}', 422),
    "infinite": (b'{"email":"a@b","name":"a","profile":{"a":1e999}}', 422),
    "too deep": (b'{"email":"a@b","name":"a","profile":' + b'{"a":' * 40 + b"1" + b"}" * 41, 422),
    "absurdly deep": (b"[" * 100_000, 400),
    "unknown field": (json.dumps({**USER, "admin": True}).encode(), 422),
    "wrong type": (json.dumps({**USER, "name": 7}).encode(), 422),
    "blank name": (json.dumps({**USER, "name": "  "}).encode(), 422),
    "name too long": (json.dumps({**USER, "name": "a" * 256}).encode(), 422),
    "no address": (json.dumps({**USER, "email": "mira"}).encode(), 422),
    "role unknown": (json.dumps({**USER, "role": "god"}).encode(), 422),
    "too large": (b" " * (MAX_BYTES + 1), 413),
}


@pytest.fixture(scope="module")
def offline() -> Any:
    """The application without its database: what is wrong in itself is refused before that."""
    nowhere = PostgresSettings(app_url="postgresql://lms@127.0.0.1:9/lms")
    with TestClient(create_app(nowhere), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_is_refused_with_its_reason(offline: Any, name: str) -> None:
    body, status = BODIES[name]
    answer = offline.post(
        "/api/v1/users", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert "Mira" not in answer.text, "an answer does not repeat personal data"
    assert "mira@" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/xml"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_a_body_that_is_not_plain_json_is_refused(offline: Any, headers: dict[str, str]) -> None:
    answer = offline.post("/api/v1/users", content=json.dumps(USER), headers=headers)
    assert answer.status_code == 415
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Institution-Id": "mine"},
        {"X-Institution-Id": new_id().upper()},
        {"Idempotency-Key": "with space"},
        {"Idempotency-Key": "a" * 256},
        {"Idempotency-Key": "ключ".encode()},
    ],
)
def test_a_bad_header_is_refused(offline: Any, headers: dict[str, Any]) -> None:
    answer = offline.post("/api/v1/users", json=USER, headers=headers)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/users/42", 422),
        ("/api/v1/users/%00", 422),
        ("/api/v1/users/%ff", 422),
        ("/api/v1/nowhere", 404),
        ("/api/v1/courses?limit=0", 422),
        ("/api/v1/courses?limit=201", 422),
        ("/api/v1/courses?status=open", 422),
    ],
)
def test_a_bad_address_is_refused(offline: Any, path: str, status: int) -> None:
    answer = offline.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_wrong_method_is_refused(offline: Any) -> None:
    answer = offline.delete("/api/v1/courses")
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"


def test_while_the_database_is_away_it_says_so_and_stays_alive(offline: Any) -> None:
    assert offline.get("/health/live").status_code == 200
    assert offline.get("/health/ready").status_code == 503


@pytest.mark.integration
@pytest.mark.parametrize(
    "cursor", ["a", "é", "bnVsbA==", "WzEsMl0=", "WyIyMDI2IiwgIngiXQ==", "%00"]
)
def test_a_cursor_of_somebody_else_is_refused(lms: Any, cursor: str) -> None:
    course_id = lms.course()
    for path in ("/courses", f"/courses/{course_id}/items"):
        answer = lms.get(path, cursor=cursor)
        assert answer.status_code == 422, answer.text


@pytest.mark.integration
@pytest.mark.parametrize(
    "change",
    [
        {"event_type": "content.opened"},
        {"event_type": "video.played"},
        {"event_type": "video.played", "position_s": -1},
        {"event_type": "video.played", "position_s": "1"},
        {"clicks": 0},
        {"clicks": 2**31},
        {"clicks": 1.5},
        {"clicks": True},
        {"user_id": "42"},
        {"occurred_at": "2026-02-17"},
        {"occurred_at": "2026-02-17T14:30:00+01:00"},
        {"occurred_at": 1771338600},
        {"extra": 1},
    ],
    ids=str,
)
def test_a_bad_event_is_refused_and_leaves_nothing(lms: Any, change: dict[str, Any]) -> None:
    course_id, learner = lms.course(), lms.user()
    item_id = lms.item(course_id)
    lms.enrollment(course_id, learner)
    before = lms.events()
    body = {"event_type": "content.viewed", "user_id": learner, **change}
    answer = lms.post(f"/courses/{course_id}/items/{item_id}/events", body)
    assert answer.status_code == 422, answer.text
    assert lms.events() == before


@pytest.mark.integration
def test_text_is_kept_to_the_letter(lms: Any) -> None:
    name = 'Zoë O\'Brien \\ "x" 你好 🎓 \u202e'
    body = {"email": f"{new_id()}@example.org", "name": name, "profile": {"ключ": [1, None, "é"]}}
    user = lms.made("/users", body)
    read = lms.get(f"/users/{user['id']}").json()
    assert (read["name"], read["profile"]) == (name, body["profile"])


def test_every_route_is_described_with_its_errors_and_bodies_have_examples(offline: Any) -> None:
    document = offline.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        if not path.startswith("/api/v1"):
            continue
        for method, route in methods.items():
            assert route["description"], (method, path)
            assert {"4XX", "5XX"} <= set(route["responses"]), (method, path)
    schemas = document["components"]["schemas"]
    for name in ("Registration", "NewCourse", "NewItem", "NewEnrollment", "NewSubmission", "Grade"):
        assert "example" in schemas[name], name
