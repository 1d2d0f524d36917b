"""The process over HTTP: what nobody gets without signing in, its problem documents, its health."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.testclient import TestClient

from contracts.ids import named_id
from dashboards.web.app import create_app
from dashboards.web.panels import API
from tests.dashboards.conftest import LEARNERS, Lms, lms_over, lms_settings

LEARNER = named_id("dashboards", "learner", "nobody")
LMS_PORT, PORT = 18009, 18028


@pytest.fixture
def client(stack: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The application with the LMS and serving away."""
    monkeypatch.setenv("LMS_HTTP_LMS_PORT", "9")  # the discard port: nobody listens
    monkeypatch.setenv("LMS_HTTP_SERVING_PORT", "9")
    with TestClient(create_app()) as client:
        yield client


def is_problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["title"]
    return body


OPEN = re.compile(
    r"/health/(live|ready)|/metrics|/docs|/openapi\.json"
    r"|/|/sign-in|/learners|/learner/\{learner_id\}|/static/\{name\}|/api/v1/session.*"
)
"""Pages without anything of anybody in them, and the ways in."""

BODIES = {
    "/api/v1/learners/{learner_id}/events": {
        "course_id": str(uuid4()),
        "item_id": str(uuid4()),
        "event_type": "content.completed",
    },
    "/api/v1/learners/{learner_id}/reactions": {
        "recommendation_id": str(uuid4()),
        "item_id": str(uuid4()),
        "reaction": "clicks",
    },
}


def closed() -> list[tuple[str, str]]:
    return [
        (min(route.methods or {"GET"}), str(route.path))
        for route in iter_route_contexts(create_app().routes)
        if isinstance(route.original_route, APIRoute) and not OPEN.fullmatch(str(route.path))
    ]


@pytest.mark.integration
@pytest.mark.parametrize(("method", "path"), closed())
@pytest.mark.parametrize("credentials", ["none", "nonsense", "unsigned", "cookie"])
def test_nobody_reads_or_writes_anything_without_signing_in(
    client: TestClient, method: str, path: str, credentials: str
) -> None:
    """A stranger completed a course for somebody else by such a request, and got a certificate."""
    headers = {
        "none": {},
        "nonsense": {"Authorization": "Bearer nonsense"},
        "unsigned": {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."},
        "cookie": {"Cookie": f"learnstream={'x' * 43}", "Sec-Fetch-Site": "same-origin"},
    }[credentials]
    where = path.format(learner_id=LEARNER, dashboard="overview", panel="active_learners")
    params = {"q": "bridges"} if path.endswith("/search") else {}
    body = {"json": BODIES[path]} if path in BODIES else {}
    is_problem(client.request(method, where, headers=headers, params=params, **body), 401)


def test_every_closed_route_is_known() -> None:
    paths = {path for _, path in closed()}
    assert len(paths) == 11, sorted(paths)
    assert set(BODIES) <= paths


@pytest.mark.integration
@pytest.mark.parametrize("path", ["/api/v1/nothing", "/static/nothing.js", "/static/..%2fapp.py"])
def test_what_is_not_there_is_a_problem_that_says_so(client: TestClient, path: str) -> None:
    assert is_problem(client.get(path), 404)["detail"]


@pytest.mark.integration
def test_a_live_process_says_so_whatever_is_away(client: TestClient) -> None:
    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/health/ready").json() == {"status": "ready"}
    assert "learnstream_dashboard_viewers" in client.get("/metrics").text


@pytest.mark.integration
@pytest.mark.parametrize("path", ["/", "/learners", f"/learner/{LEARNER}", "/sign-in"])
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
def test_signing_in_while_the_lms_is_away_may_be_tried_again(client: TestClient) -> None:
    headers = {"Sec-Fetch-Site": "same-origin"}
    body = {"email": "mira@example.org", "password": "ocean green lamp"}
    away = client.post("/api/v1/session/password", json=body, headers=headers)
    assert "./learnstream status" in is_problem(away, 503)["detail"]


@pytest.mark.integration
@pytest.mark.parametrize("path", ["link", "password", "providers/school"])
def test_no_other_site_signs_anybody_in(client: TestClient, path: str) -> None:
    body = {
        "link": {"token": "lsl1_AAAA"},
        "password": {"email": "eve@example.org", "password": "eve's own"},
        "providers/school": {"code": "a", "state": "b", "binding": "c"},
    }[path]
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
        is_problem(client.post(f"/api/v1/session/{path}", json=body, headers=headers), 403)


@pytest.fixture(scope="module")
def lms(filled: str, start_for_all: Callable[..., Any]) -> Iterator[Lms]:
    with lms_over(start_for_all, filled, LMS_PORT) as lms:
        yield lms


@pytest.fixture
def signed_in(lms: Lms, filled: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The application over the filled tables, an administrator signed in."""
    for name, value in lms_settings(filled, LMS_PORT).items():
        monkeypatch.setenv(name, value)
    admin = lms.account("Ada Admin", "admin")
    with TestClient(create_app(), headers={"Sec-Fetch-Site": "same-origin"}) as client:
        token = {"token": lms.link(admin)}
        assert client.post("/api/v1/session/link", json=token).status_code == 201
        yield client


@pytest.mark.integration
def test_the_list_of_dashboards_names_every_panel_and_where_its_data_is(
    signed_in: TestClient,
) -> None:
    from dashboards import catalogue

    known = {one["name"]: one for one in signed_in.get(API).json()["dashboards"]}
    assert set(known) == set(catalogue.dashboards())
    overview = known["overview"]
    assert [one["name"] for one in overview["panels"]] == [
        panel.name for panel in catalogue.dashboard("overview")
    ]
    for one in overview["panels"]:
        sql = signed_in.get(one["sql_url"])
        assert sql.headers["content-type"].startswith("text/plain")
        assert sql.text == catalogue.panel("overview", one["name"]).sql
        body = signed_in.get(one["data_url"]).json()
        assert (body["error"], body["refused"]) == (None, False)
        assert body["rows"], one["name"]
        assert all(len(row) == len(body["columns"]) for row in body["rows"])


@pytest.mark.integration
def test_unknown_names_and_wrong_parameters_are_named(signed_in: TestClient) -> None:
    for path in ("/nowhere", "/nowhere/stream", "/overview/panels/nothing"):
        assert is_problem(signed_in.get(API + path), 404)["detail"]
    body = is_problem(signed_in.get("/api/v1/learners/not-an-id"), 422)
    assert "learner_id" in body["detail"]
    wrong = {"recommendation_id": str(uuid4()), "item_id": str(uuid4()), "reaction": "liked"}
    path = f"/api/v1/learners/{LEARNERS[0]}/reactions"
    assert "reaction" in is_problem(signed_in.post(path, json=wrong), 422)["detail"]
    assert is_problem(signed_in.put(API), 405)


@pytest.mark.integration
def test_an_open_stream_does_not_hold_up_the_end(
    lms: Lms, filled: str, start: Callable[..., Any]
) -> None:
    from stack.profile import profile

    port = profile().port(PORT)
    settings = lms_settings(filled, LMS_PORT) | {"LMS_HTTP_DASHBOARDS_PORT": str(port)}
    process = start("dashboards.web", f"http://127.0.0.1:{port}", **settings)
    with httpx.Client(base_url=process.url, timeout=60, headers={"Origin": process.url}) as page:
        token = {"token": lms.link(lms.account("Ada Admin", "admin"))}
        assert page.post("/api/v1/session/link", json=token).status_code == 201
        with page.stream("GET", f"{API}/overview/stream") as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("event: ")
            process.popen.terminate()
            for _ in lines:  # until the server has said all it had to say
                pass
    assert process.popen.wait(timeout=30) in (0, -signal.SIGTERM)
