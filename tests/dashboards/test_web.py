"""The process over HTTP: its API, its problem documents, its health."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from fastapi.testclient import TestClient

from contracts.ids import named_id
from dashboards import panel as catalogue
from dashboards.web.app import API, create_app
from stack.profile import profile

LEARNER = named_id("dashboards", "learner", "nobody")

NOWHERE = "postgresql://dashboards@127.0.0.1:9/analytics"  # the discard port: nobody listens


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The application with its database, the LMS and serving away."""
    monkeypatch.setenv("LMS_POSTGRES_ANALYTICS_URL", NOWHERE)
    monkeypatch.setenv("LMS_HTTP_LMS_PORT", "9")
    monkeypatch.setenv("LMS_HTTP_SERVING_PORT", "9")
    with TestClient(create_app()) as client:
        yield client


def is_problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["title"]
    assert body["instance"] == urlsplit(str(response.url)).path
    return body


def test_the_list_of_dashboards_names_every_panel_and_where_its_data_is(client: TestClient) -> None:
    known = {one["name"]: one for one in client.get(API).json()["dashboards"]}
    assert set(known) == set(catalogue.dashboards())
    overview = known["overview"]
    assert [one["name"] for one in overview["panels"]] == [
        panel.name for panel in catalogue.dashboard("overview")
    ]
    for one in overview["panels"]:
        sql = client.get(one["sql_url"])
        assert sql.headers["content-type"].startswith("text/plain")
        assert sql.text == catalogue.panel("overview", one["name"]).sql


@pytest.mark.parametrize(
    "path",
    [
        f"{API}/nowhere",
        f"{API}/nowhere/stream",
        f"{API}/overview/panels/nothing",
        "/api/v1/nothing",
        "/static/nothing.js",
    ],
)
def test_what_is_not_there_is_a_problem_that_says_so(client: TestClient, path: str) -> None:
    assert is_problem(client.get(path), 404)["detail"]


def test_a_wrong_parameter_is_named(client: TestClient) -> None:
    body = is_problem(client.get("/api/v1/learners/not-an-id"), 422)
    assert "learner_id" in body["detail"]
    wrong = {"recommendation_id": str(uuid4()), "item_id": str(uuid4()), "reaction": "liked"}
    assert "reaction" in is_problem(client.post("/api/v1/reactions", json=wrong), 422)["detail"]
    assert is_problem(client.put(API), 405)


def test_parts_that_are_away_are_a_problem_that_may_be_tried_again(client: TestClient) -> None:
    learner = f"/api/v1/learners/{uuid4()}"
    for path in (f"{API}/overview/panels/freshness", "/health/ready", "/api/v1/learners", learner):
        response = client.get(path)
        assert "analytical database" in is_problem(response, 503)["detail"]
        assert response.headers["retry-after"] == "1"
    away = is_problem(client.get(f"{learner}/recommendations"), 503)
    assert "127.0.0.1:9" in away["detail"]
    assert "./learnstream status" in away["detail"]


def test_a_live_process_says_so_whatever_is_away(client: TestClient) -> None:
    assert client.get("/health/live").json() == {"status": "live"}
    assert "learnstream_dashboard_viewers" in client.get("/metrics").text


@pytest.mark.parametrize("path", ["/", "/learners", f"/learner/{LEARNER}"])
def test_a_page_brings_everything_along(client: TestClient, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for quoted in ('src="', 'href="/static'):
        for rest in page.text.split(quoted)[1:]:
            asset = ("/static" if "href" in quoted else "") + rest.split('"')[0]
            assert asset.startswith("/static/"), "nothing comes from elsewhere"
            assert client.get(asset).status_code == 200


@pytest.mark.integration
def test_panel_data_come_over_http(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_POSTGRES_ANALYTICS_URL", filled)
    with TestClient(create_app()) as client:
        assert client.get("/health/ready").json() == {"status": "ready"}
        for panel in catalogue.dashboard("overview"):
            body = client.get(f"{API}/overview/panels/{panel.name}").json()
            assert body["error"] is None
            assert body["rows"]
            assert all(len(row) == len(body["columns"]) for row in body["rows"])
        learners = client.get("/api/v1/learners").json()["learners"]
        assert len(learners) == 3  # whose last activity is years ago is not among them
        assert all(learner["name"] is None for learner in learners)
        deeds = client.get(f"/api/v1/learners/{learners[0]['id']}").json()["activity"]
        assert deeds[0]["at"] >= deeds[-1]["at"]
        assert not {"recommendation.shown"} & {deed["event_type"] for deed in deeds}


@pytest.mark.integration
def test_an_open_stream_does_not_hold_up_the_end(empty: str, start: Callable[..., Any]) -> None:
    port = profile().port(18028)
    settings = {"LMS_POSTGRES_ANALYTICS_URL": empty, "LMS_HTTP_DASHBOARDS_PORT": str(port)}
    process = start("dashboards.web", f"http://127.0.0.1:{port}", **settings)
    with httpx.stream("GET", f"{process.url}{API}/overview/stream", timeout=60) as stream:
        lines = stream.iter_lines()
        assert next(lines).startswith("event: ")
        process.popen.terminate()
        for _ in lines:  # until the server has said all it had to say
            pass
    assert process.popen.wait(timeout=30) == 0
