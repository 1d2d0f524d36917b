"""What every process refuses and says before it knows who asks."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import ValidationError

from gateway.app import PLAIN, install
from gateway.front import MAX_HEADERS, hostname
from gateway.logs import JsonLines
from gateway.operations import REFERENCE
from gateway.settings import FrontSettings
from tests.gateway.processes import PROCESSES, WITH_ROUTES, application

PROBLEM = "application/problem+json"
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "private, no-store",
}


@pytest.fixture(scope="module", params=PROCESSES)
def process(request: pytest.FixtureRequest) -> TestClient:
    """A process whose servers are away: none of this needs them."""
    return TestClient(application(request.param))


@pytest.fixture
def small() -> TestClient:
    """The gateway around one route that fails."""

    async def ready() -> dict[str, Any]:
        return {}

    app = FastAPI(**PLAIN)
    install(app, name="small", ready=ready)

    @app.post("/broken")
    async def broken() -> None:
        logging.getLogger("small").warning("about to fail")
        raise RuntimeError("mira@example.org was in a row")

    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:18000", "127.0.0.1.evil.example", "0.0.0.0", "", "localhost@a"],
)
def test_a_host_that_is_not_ours_is_refused(process: TestClient, host: str) -> None:
    answer = process.get("/health/live", headers={"Host": host})
    assert answer.status_code == 421
    assert answer.headers["content-type"] == PROBLEM
    assert host not in answer.text or not host


@pytest.mark.parametrize("host", ["localhost:18000", "127.0.0.1", "[::1]:18020", "LOCALHOST."])
def test_loopback_is_ours_whatever_the_port(process: TestClient, host: str) -> None:
    assert process.get("/health/live", headers={"Host": host}).status_code == 200


def test_two_hosts_are_refused(process: TestClient) -> None:
    twice = [(b"Host", b"localhost"), (b"Host", b"evil.example")]
    assert process.get("/health/live", headers=twice).status_code == 400


def test_further_hosts_are_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_HTTP_ALLOWED_HOSTS", "lms.example.org, api.example.org")
    monkeypatch.setenv("LMS_HTTP_SERVING_HOST", "serving")
    client = TestClient(PROCESSES["monitor"].app())
    for host in ("lms.example.org", "API.example.org:443", "serving:18010", "localhost"):
        assert client.get("/health/live", headers={"Host": host}).status_code == 200, host
    assert client.get("/health/live").status_code == 421, "testserver is not among them"


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("LMS.example.org:443", "lms.example.org"),
        ("[fd00::1]:18000", "fd00::1"),
        ("localhost.", "localhost"),
        (":80", ":80"),
    ],
)
def test_a_host_is_compared_without_its_port(host: str, name: str) -> None:
    assert hostname(host) == name


@pytest.mark.parametrize("path", ["/health/live", "/nowhere", "/openapi.json", "/metrics"])
def test_every_answer_has_the_security_headers_and_an_id(process: TestClient, path: str) -> None:
    for answer in (process.get(path), process.put(path), process.get(path, headers={"Host": "x"})):
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, (answer.status_code, name)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-request-id"])
        if answer.status_code >= 400:
            assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_failure_has_them_too_and_gives_nothing_away(small: TestClient) -> None:
    answer = small.post("/broken")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == PROBLEM
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "mira" not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_request_s_own_id_is_kept_where_it_is_one(process: TestClient) -> None:
    def returned(given: str) -> str:
        return str(process.get("/nowhere", headers={"X-Request-Id": given}).json()["request_id"])

    for good in ("01a2061c-f7c7-78eb", "trace.4711_a"):
        assert returned(good) == good
    for bad in ("short", "a" * 129, "with space", 'quote"quote"', "new\tline-here"):
        assert re.fullmatch(r"[0-9a-f-]{36}", returned(bad)), bad


def test_log_lines_of_a_request_name_it(small: TestClient) -> None:
    lines: list[dict[str, Any]] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(JsonLines().format(record)))

    logger = logging.getLogger("small")
    logger.addHandler(handler := Kept())
    try:
        small.post("/broken", headers={"X-Request-Id": "named-by-caller"})
    finally:
        logger.removeHandler(handler)
    assert [line["request_id"] for line in lines] == ["named-by-caller"]
    record = logging.makeLogRecord({"msg": "outside of a request"})
    assert "request_id" not in json.loads(JsonLines().format(record))


def test_too_many_and_too_long_headers_are_refused(process: TestClient) -> None:
    many = {f"X-Header-{n}": "a" for n in range(MAX_HEADERS + 1)}
    for headers in (many, {"X-Long": "a" * 40_000}):
        answer = process.get("/health/live", headers=headers)
        assert answer.status_code == 431
        assert answer.headers["content-type"] == PROBLEM


def test_what_is_for_the_machines_around_us_is_nothing_to_a_proxy_s_callers(
    process: TestClient,
) -> None:
    for path in ("/health/live", "/health/ready", "/metrics"):
        answer = process.get(path, headers={"X-Forwarded-For": "198.51.100.7"})
        assert answer.status_code == 404, path
    assert process.get("/metrics").status_code == 200


PREFLIGHT = {"Access-Control-Request-Method": "GET", "Origin": "https://app.example.org"}


def test_no_page_of_another_origin_may_call_us(process: TestClient) -> None:
    answers = [process.options("/api/v1/courses", headers=PREFLIGHT)]
    answers += [process.get("/health/live", headers={"Origin": "https://app.example.org"})]
    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("name", WITH_ROUTES)
def test_origins_that_are_allowed_may(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMS_HTTP_CORS_ORIGINS", "https://app.example.org")
    client = TestClient(WITH_ROUTES[name]())
    answer = client.options("/api/v1/courses", headers=PREFLIGHT)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example.org"
    assert "access-control-allow-credentials" not in answer.headers
    foreign = client.options(
        "/api/v1/courses", headers=PREFLIGHT | {"Origin": "https://evil.example"}
    )
    assert foreign.status_code == 400
    assert "access-control-allow-origin" not in foreign.headers


@pytest.mark.parametrize("origin", ["*", "https://*.example.org", "app.example.org", "null"])
def test_an_origin_is_one_origin(origin: str) -> None:
    with pytest.raises(ValidationError):
        FrontSettings(cors_origins=(origin,))


@pytest.fixture
def documented(request: pytest.FixtureRequest) -> TestClient:
    return TestClient(application(request.param))


@pytest.mark.parametrize("documented", WITH_ROUTES, indirect=True)
def test_the_documentation_of_the_api_ships_its_assets(documented: TestClient) -> None:
    answer = documented.get("/docs")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(rb"(?:src|href)=\"(?:https?:)?//", REFERENCE)
    assert documented.get("/openapi.json").json()["info"]["title"].startswith("Learnstream")
    assert documented.get("/redoc").status_code == 404


@pytest.mark.parametrize("name", WITH_ROUTES)
def test_a_body_is_json_of_a_bounded_size(name: str) -> None:
    client = TestClient(application(name))
    path = "/api/v1/anything"
    for more, status in (
        ({"content": b" " * 300_000, "headers": {"Content-Type": "application/json"}}, 413),
        ({"content": b"<a/>", "headers": {"Content-Type": "application/xml"}}, 415),
        ({"content": b"\xff", "headers": {"Content-Type": "application/json"}}, 400),
    ):
        answer = client.post(path, **more)  # type: ignore[arg-type]
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == PROBLEM
