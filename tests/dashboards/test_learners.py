"""Learners' pages with the real LMS behind them: who sees whom, who studies as whom."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from core_lms.sessions import links
from dashboards.web.app import create_app
from dashboards.web.panels import API
from stack.http import HttpSettings
from tests.core_lms.units import in_unit
from tests.dashboards.conftest import INSTITUTION, Lms, Rows, database, lms_over, lms_settings

pytestmark = pytest.mark.integration

LMS_PORT = 18008
"""Beside the port of an LMS that may be up in the same profile."""
NOBODY = "there is no learner by that id whom you may see"


@pytest.fixture(scope="module")
def mark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the file is that makes this LMS that of the local demo."""
    return tmp_path_factory.mktemp("demo") / "demo"


@pytest.fixture(scope="module")
def rows(stack: Any) -> Iterator[Rows]:
    with database() as url:
        yield Rows(url)


@pytest.fixture(scope="module")
def lms(rows: Rows, mark: Path, start_for_all: Callable[..., Any]) -> Iterator[Lms]:
    demo = {"LMS_SESSIONS_DEMO_MARK": str(mark)}
    with lms_over(start_for_all, rows.url, LMS_PORT, **demo) as lms:
        yield lms


@pytest.fixture
def client(rows: Rows, lms: Lms, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The application over the real LMS, from one of its own pages; serving is away."""
    for name, value in lms_settings(rows.url, LMS_PORT).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LMS_HTTP_SERVING_PORT", "9")
    with TestClient(create_app(), headers={"Sec-Fetch-Site": "same-origin"}) as client:
        yield client


@pytest.fixture
def sign_in(client: TestClient, lms: Lms) -> Callable[[str], TestClient]:
    def act(user_id: str) -> TestClient:
        answer = client.post("/api/v1/session/link", json={"token": lms.link(user_id)})
        assert answer.status_code == 201, answer.text
        return client

    return act


@pytest.fixture
def demo(mark: Path) -> Iterator[None]:
    mark.touch()
    yield
    mark.unlink()


def studied(rows: Rows, learner: str, course: str, item: str) -> None:
    rows.view(UUID(learner), UUID(item), UUID(course), rows.now)


def event(course: str, item: str, kind: str = "content.completed") -> dict[str, str]:
    return {"course_id": course, "item_id": item, "event_type": kind}


def test_a_link_signs_in_and_leaves_one_cookie_that_scripts_cannot_read(
    client: TestClient, lms: Lms
) -> None:
    ana = lms.account("Ana Learner")
    token = lms.link(ana)
    answer = client.post("/api/v1/session/link", json={"token": token})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert answer.json() == {"user_id": ana}, "no token goes to the page"
    me = client.get("/api/v1/session").json()
    assert me == {"user_id": ana, "name": "Ana Learner", "scope": "self"}
    assert client.post("/api/v1/session/link", json={"token": token}).status_code == 422


def test_a_password_signs_in_and_signing_out_ends_the_session_at_the_lms(
    client: TestClient, lms: Lms
) -> None:
    email, password = f"{uuid4().hex}@example.invalid", "ocean green lamp"
    ana = str(lms.made("/users", email=email, name="Ana Learner")["id"])
    known = {"email": email, "password": password, "institution_id": str(INSTITUTION)}
    assert client.post("/api/v1/session/password", json=known).status_code == 401
    institution = str(INSTITUTION)
    url = in_unit(institution, lambda unit: links.mint(unit, ana, "reset"))
    chosen = {"token": url.partition("#")[2], "password": password}
    assert lms.http.post("/passwords", json=chosen).status_code == 204
    elsewhere = known | {"institution_id": None}
    assert client.post("/api/v1/session/password", json=elsewhere).status_code == 401
    assert client.post("/api/v1/session/password", json=known).status_code == 201
    assert client.get("/api/v1/session").json()["name"] == "Ana Learner"
    assert len(lms.http.get(f"/users/{ana}/sessions").json()["items"]) == 1
    before = dict(client.cookies)
    assert client.delete("/api/v1/session").status_code == 204
    assert lms.http.get(f"/users/{ana}/sessions").json()["items"] == []
    client.cookies.update(before)
    assert client.get("/api/v1/session").status_code == 401


def test_whom_the_lms_logs_out_is_out_here_at_once(
    sign_in: Callable[[str], TestClient], lms: Lms
) -> None:
    ana = lms.account("Ana Learner")
    page = sign_in(ana)
    assert page.get(f"/api/v1/learners/{ana}").status_code == 200
    assert lms.http.delete(f"/users/{ana}/sessions").status_code == 204
    assert page.get(f"/api/v1/learners/{ana}").status_code == 401


def test_learners_see_themselves_and_nobody_else(
    sign_in: Callable[[str], TestClient], lms: Lms, rows: Rows
) -> None:
    course, _, [item] = lms.course()
    ana, bea = lms.account("Ana Learner"), lms.account("Bea Learner")
    for learner in (ana, bea):
        studied(rows, learner, course, item)
    page = sign_in(ana)
    one = page.get(f"/api/v1/learners/{ana}").json()
    assert (one["name"], one["itself"], one["may_act"]) == ("Ana Learner", True, True)
    assert one["names"][course] == {"title": "Bridges", "origin": "demo"}
    assert [row["id"] for row in page.get("/api/v1/learners").json()["learners"]] == [ana]
    unknown, forbidden = str(uuid4()), bea
    for path, body in (
        ("", None),
        ("/events", event(course, item)),
        (
            "/reactions",
            {"recommendation_id": str(uuid4()), "item_id": item, "reaction": "clicks"},
        ),
    ):
        answers = []
        for learner in (unknown, forbidden):
            where = f"/api/v1/learners/{learner}{path}"
            answer = page.get(where) if body is None else page.post(where, json=body)
            answers.append((answer.status_code, answer.json()["detail"]))
        assert set(answers) == {(404, NOBODY)}, path


def test_learners_get_no_panel_of_anybody(sign_in: Callable[[str], TestClient], lms: Lms) -> None:
    page = sign_in(lms.account("Ana Learner"))
    for path in ("", "/overview", "/overview/panels/history", "/overview/panels/history/sql"):
        assert page.get(API + path).status_code == 403, path
    assert page.get(f"{API}/overview/stream").status_code == 403


def test_a_teacher_sees_who_is_in_their_course_and_what_was_done_there(
    sign_in: Callable[[str], TestClient], lms: Lms, rows: Rows
) -> None:
    course, teacher, [item] = lms.course()
    other, _, [far] = lms.course("Tunnels")
    ana, bea = lms.account("Ana Learner"), lms.account("Bea Learner")
    lms.made(f"/courses/{course}/enrollments", user_id=ana)
    studied(rows, ana, course, item)
    studied(rows, ana, other, far)
    studied(rows, bea, other, far)
    page = sign_in(teacher)
    assert [one["id"] for one in page.get("/api/v1/learners").json()["learners"]] == [ana]
    deeds = page.get(f"/api/v1/learners/{ana}").json()
    assert {deed["course_id"] for deed in deeds["activity"]} == {course}
    assert deeds["may_act"] is False
    assert page.get(f"/api/v1/learners/{bea}").json()["detail"] == NOBODY
    busiest = page.get(f"{API}/overview/panels/busiest_items").json()
    assert {row[busiest["columns"].index("course_id")] for row in busiest["rows"]} == {course}


def test_every_look_at_a_learner_is_in_the_audit_log(
    sign_in: Callable[[str], TestClient], lms: Lms, rows: Rows
) -> None:
    course, teacher, [item] = lms.course()
    ana = lms.account("Ana Learner")
    lms.made(f"/courses/{course}/enrollments", user_id=ana)
    studied(rows, ana, course, item)
    page = sign_in(teacher)
    page.get(f"/api/v1/learners/{ana}")
    page.get("/api/v1/learners")
    found = lms.audited(f"user/{teacher}")
    assert ("activity.list", [ana]) in found
    assert ("learner.list", [ana]) in found
    page = sign_in(ana)
    page.get(f"/api/v1/learners/{ana}")
    assert lms.audited(f"user/{ana}") == [], "one's own is nobody's business"


def test_learners_study_as_themselves(sign_in: Callable[[str], TestClient], lms: Lms) -> None:
    course, _, [item] = lms.course()
    ana = lms.account("Ana Learner")
    page = sign_in(ana)
    for kind in ("content.viewed", "content.completed"):
        done = page.post(f"/api/v1/learners/{ana}/events", json=event(course, item, kind))
        assert done.status_code == 201, done.text
    (completed,) = lms.http.get(f"/users/{ana}/completed-items").json()["items"]
    assert completed["item_id"] == item
    refused = page.post(f"/api/v1/learners/{ana}/events", json=event(course, str(uuid4())))
    assert refused.status_code == 404, "the LMS's own words"
    assert refused.headers["content-type"] == "application/problem+json"
    wrong = page.post(f"/api/v1/learners/{ana}/events", json=event(course, item, "user.deleted"))
    assert wrong.status_code == 422


def test_another_site_s_page_writes_nothing_with_the_cookie(
    sign_in: Callable[[str], TestClient], lms: Lms
) -> None:
    course, _, [item] = lms.course()
    ana = lms.account("Ana Learner")
    page = sign_in(ana)
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ):
        path = f"/api/v1/learners/{ana}/events"
        assert page.post(path, json=event(course, item), headers=headers).status_code == 403
        assert page.delete("/api/v1/session", headers=headers).status_code == 403
    assert lms.http.get(f"/users/{ana}/completed-items").json()["items"] == []
    assert page.get("/api/v1/session").status_code == 200


def test_in_the_demo_an_administrator_studies_as_somebody_invented(
    sign_in: Callable[[str], TestClient], lms: Lms, demo: None
) -> None:
    course, _, [item] = lms.course()
    admin, amara = lms.account("Ada Admin", "admin"), lms.account("Amara", invented=True)
    page = sign_in(admin)
    one = page.get(f"/api/v1/learners/{amara}").json()
    assert (one["invented"], one["may_act"], one["itself"]) == (True, True, False)
    done = page.post(f"/api/v1/learners/{amara}/events", json=event(course, item))
    assert done.status_code == 201, done.text
    (completed,) = lms.http.get(f"/users/{amara}/completed-items").json()["items"]
    assert completed["item_id"] == item
    assert ("session.act-as", [amara]) in lms.audited(f"user/{admin}")


def refused_to_act(page: TestClient, lms: Lms, learner: str) -> None:
    course, _, [item] = lms.course()
    answer = page.post(f"/api/v1/learners/{learner}/events", json=event(course, item))
    assert (answer.status_code, answer.json()["detail"]) == (404, NOBODY)
    assert lms.http.get(f"/users/{learner}/completed-items").json()["items"] == []
    assert lms.http.get(f"/users/{learner}/enrollments").json()["items"] == []


def test_nobody_studies_as_somebody_real(
    sign_in: Callable[[str], TestClient], lms: Lms, demo: None
) -> None:
    ana = lms.account("Ana Learner")
    page = sign_in(lms.account("Ada Admin", "admin"))
    assert page.get(f"/api/v1/learners/{ana}").json()["may_act"] is False
    refused_to_act(page, lms, ana)


def test_nobody_studies_as_somebody_outside_of_the_demo(
    sign_in: Callable[[str], TestClient], lms: Lms
) -> None:
    amara = lms.account("Amara", invented=True)
    page = sign_in(lms.account("Ada Admin", "admin"))
    assert page.get(f"/api/v1/learners/{amara}").json()["may_act"] is False
    refused_to_act(page, lms, amara)


def test_nobody_studies_as_somebody_where_others_reach_the_pages(
    sign_in: Callable[[str], TestClient], lms: Lms, demo: None
) -> None:
    amara = lms.account("Amara", invented=True)
    page = sign_in(lms.account("Ada Admin", "admin"))
    state = page.app.state  # type: ignore[attr-defined]
    state.web = replace(state.web, settings=HttpSettings(host="0.0.0.0"))
    refused_to_act(page, lms, amara)


def test_the_process_has_no_database_and_no_key_of_its_own() -> None:
    """What it could do by itself is nothing: everything is asked with the caller's token."""
    folder = Path(create_app.__code__.co_filename).parent
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    for word in ("psycopg", "stack.postgres", "service_key", "ServiceAuth", "gateway.keys "):
        assert word not in text, word
    assert os.fspath(folder).endswith("web")
