"""Who reaches Flink, and what it says about how its jobs log in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from contracts.ids import new_id
from pipelines import application, cluster, operation
from pipelines.job import catalogue, kafka_options
from pipelines.start import Start
from stack import principals
from stack.flink import FlinkSettings
from stack.local.catalogue import PARTS
from stack.local.record import recorded
from stack.profile import Profile

pytestmark = pytest.mark.integration

PAGE = "https://page.example.org"
"""A web page that somebody on this machine has open."""


@pytest.fixture(scope="module")
def job_id(flink: Profile) -> Iterator[str]:
    operation.submit()
    yield operation.read().job_id or ""
    operation.cancel()


def sent(method: str, path: str, **kwargs: Any) -> httpx.Response:
    return httpx.request(method, FlinkSettings().rest_url + path, timeout=30, **kwargs)


def a_job() -> dict[str, Any]:
    """What a form of a page sends to have a plan run: no preflight asks for it."""
    request = {"executionPlanFileName": "p", "jobJarFileNames": [], "jobArtifactFileNames": []}
    return {"request": (None, json.dumps(request)), "p": ("p", b"\xac\xed\x00\x05")}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": PAGE},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "page.example.org"},
    ],
    ids=str,
)
def test_a_web_page_neither_reads_nor_sends_anything(
    flink: Profile, headers: dict[str, str]
) -> None:
    before = set(uploads())
    for answer in (
        sent("GET", "/overview", headers=headers),
        sent("POST", "/jobs", headers=headers, files=a_job()),
        sent("POST", "/jars/upload", headers=headers, files={"jarfile": ("x.jar", b"PK")}),
        sent("PATCH", f"/jobs/{new_id().replace('-', '')}", headers=headers),
    ):
        assert answer.status_code == 403
        assert answer.content == b""
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert set(uploads()) == before, "it is refused before it is stored"


def uploads() -> list[Path]:
    return [path for path in (PARTS["jobmanager"].data / "upload").rglob("*") if path.is_file()]


def test_nobody_uploads_a_jar_to_be_run(flink: Profile) -> None:
    assert sent("GET", "/overview").status_code == 200
    assert sent("GET", "/config").json()["features"]["web-submit"] is False
    before = set(uploads())
    assert sent("GET", "/jars").status_code == 404
    assert sent("POST", "/jars/upload", files={"jarfile": ("x.jar", b"PK")}).is_client_error
    assert set(uploads()) == before


def test_the_pages_of_flink_themselves_are_let_in(flink: Profile) -> None:
    url = FlinkSettings().rest_url
    own = {"Origin": url, "Sec-Fetch-Site": "same-origin"}
    answer = sent("GET", "/overview", headers=own)
    assert answer.status_code == 200
    assert answer.headers.get("access-control-allow-origin") != "*"
    localhost = url.removeprefix("http://").replace("127.0.0.1", "localhost")
    assert sent("GET", "/", headers={"Host": localhost}).status_code == 200


def test_every_port_of_flink_is_on_loopback(flink: Profile) -> None:
    for name in ("jobmanager", "taskmanager"):
        record = recorded(name)
        assert record is not None
        process = record.process()
        assert process is not None
        listening = [c for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
        assert listening
        assert {c.laddr.ip.removeprefix("::ffff:") for c in listening} == {"127.0.0.1"}


def test_no_page_log_or_plan_of_flink_holds_a_password_of_kafka(job_id: str) -> None:
    secret = principals.password("flink")
    cluster.wait_until_running(job_id)
    paths = ["/config", "/jobmanager/config", "/jobmanager/environment", "/jobmanager/log"]
    paths += [f"/jobs/{job_id}{path}" for path in ("", "/config", "/plan", "/exceptions")]
    for path in paths:
        assert secret not in sent("GET", path).text, path
    for name in ("jobmanager", "taskmanager"):
        record = recorded(name)
        assert record is not None
        process = record.process()
        assert process is not None
        assert secret not in " ".join(process.cmdline())
        assert secret not in PARTS[name].log_path.read_text(errors="replace")
        login = PARTS[name].conf / "jaas.conf"
        assert secret in login.read_text()
        assert oct(login.stat().st_mode & 0o777) == "0o600"
    jobs = list(catalogue().values())
    starts = {job.name: Start(number) for number, job in enumerate(jobs)}
    made = application.compiled(jobs, starts).text + "".join(application.definitions(jobs))
    assert secret not in made
    assert secret not in "".join(kafka_options().values())
