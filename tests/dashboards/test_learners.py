"""For you, with the real LMS behind it: titles, names of invented people only, studying."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi.testclient import TestClient

from contracts.ids import DEFAULT_INSTITUTION
from core_lms.access.operator import OperatorAuth
from dashboards.web.app import API, create_app
from stack.profile import profile

pytestmark = pytest.mark.integration

LMS_PORT = 18008
"""Beside the port of an LMS that may be up in the same profile."""


@pytest.fixture(scope="module")
def lms(start_for_all: Callable[..., Any]) -> Iterator[httpx.Client]:
    port = profile().port(LMS_PORT)
    process = start_for_all("core_lms", f"http://127.0.0.1:{port}", LMS_HTTP_LMS_PORT=str(port))
    auth = OperatorAuth(DEFAULT_INSTITUTION, "test")
    with httpx.Client(base_url=f"{process.url}/api/v1", timeout=10, auth=auth) as client:
        yield client


@pytest.fixture
def client(fresh: str, lms: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The application over fresh tables and the real LMS; serving is away."""
    monkeypatch.setenv("LMS_POSTGRES_ANALYTICS_URL", fresh)
    monkeypatch.setenv("LMS_HTTP_LMS_PORT", str(profile().port(LMS_PORT)))
    monkeypatch.setenv("LMS_HTTP_SERVING_PORT", "9")
    with TestClient(create_app()) as client:
        yield client


def post(lms: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
    response = lms.post(path, json=body)
    assert response.is_success, response.text
    made: dict[str, Any] = response.json()
    return made


def account(lms: httpx.Client, name: str, role: str = "student", **profile: Any) -> UUID:
    email = f"{uuid4().hex}@example.invalid"
    return UUID(post(lms, "/users", email=email, name=name, role=role, profile=profile)["id"])


@pytest.fixture
def course(lms: httpx.Client) -> dict[str, UUID]:
    """A published course with one video, as the demo's catalogue would bring it."""
    teacher = account(lms, "Tess Teacher", "instructor")
    about = {"metadata": {"source": "open-catalogue"}}
    made = post(lms, "/courses", title="Bridges", instructor_id=str(teacher), **about)
    item = post(lms, f"/courses/{made['id']}/items", kind="video", title="The arch", **about)
    post(lms, f"/courses/{made['id']}/publish")
    return {"course_id": UUID(made["id"]), "item_id": UUID(item["id"])}


def test_courses_and_items_are_called_by_their_titles(
    client: TestClient, rows: Any, course: dict[str, UUID]
) -> None:
    rows.view(uuid4(), course["item_id"], course["course_id"], rows.now)
    names: dict[str, Any] = {}
    deadline = time.monotonic() + 60
    while len(names) < 2 and time.monotonic() < deadline:
        names = client.get(f"{API}/overview/panels/busiest_items").json()["names"]
        time.sleep(0.2)
    assert names == {
        str(course["course_id"]): {"title": "Bridges", "origin": "demo"},
        str(course["item_id"]): {"title": "The arch", "origin": "demo"},
    }


def test_only_an_invented_person_is_called_by_name(
    client: TestClient, lms: httpx.Client, rows: Any, course: dict[str, UUID]
) -> None:
    invented = account(lms, "Amara Pebblewick", invented=True)
    somebody = account(lms, "A Real Person")
    for learner in (invented, somebody):
        rows.view(learner, course["item_id"], course["course_id"], rows.now)
    found = client.get("/api/v1/learners")
    names = {one["id"]: one["name"] for one in found.json()["learners"]}
    assert names == {str(invented): "Amara Pebblewick", str(somebody): None}
    assert "Real Person" not in found.text
    assert "Real Person" not in client.get(f"/api/v1/learners/{somebody}").text


def test_studying_enrolls_first_and_reaches_the_lms(
    client: TestClient, lms: httpx.Client, course: dict[str, UUID]
) -> None:
    learner = account(lms, "Bram Thistledown", invented=True)
    body = {name: str(value) for name, value in course.items()}
    for event_type in ("content.viewed", "content.completed"):
        path = f"/api/v1/learners/{learner}/events"
        done = client.post(path, json={**body, "event_type": event_type})
        assert done.status_code == 201, done.text
    (enrollment,) = lms.get(f"/users/{learner}/enrollments").json()["items"]
    assert enrollment["course_id"] == body["course_id"]
    (completed,) = lms.get(f"/users/{learner}/completed-items").json()["items"]
    assert completed["item_id"] == body["item_id"]


def test_what_the_lms_refuses_is_refused_with_its_words(
    client: TestClient, lms: httpx.Client, course: dict[str, UUID]
) -> None:
    learner = account(lms, "Chiyo Maplethorn", invented=True)
    body = {"course_id": str(course["course_id"]), "item_id": str(uuid4())}
    path = f"/api/v1/learners/{learner}/events"
    refused = client.post(path, json={**body, "event_type": "content.viewed"})
    assert refused.status_code == 404
    assert refused.headers["content-type"] == "application/problem+json"
    assert body["item_id"] in refused.json()["detail"]


def test_a_wrong_kind_of_study_does_not_reach_the_lms(client: TestClient) -> None:
    body = {"course_id": str(uuid4()), "item_id": str(uuid4()), "event_type": "user.deleted"}
    refused = client.post(f"/api/v1/learners/{uuid4()}/events", json=body)
    assert refused.status_code == 422
    assert "event_type" in refused.json()["detail"]
