"""The Flink cluster through its REST API: the running application, its checkpoints, stopping it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx

from contracts.errors import LearnstreamError, Retryable
from stack import tls
from stack.flink import FlinkSettings

ENDED = {"FINISHED", "CANCELED", "FAILED", "SUSPENDED"}


@dataclass(frozen=True, slots=True)
class Running:
    """One job of the cluster that has not ended; ``running_s`` since its submission."""

    job_id: str
    state: str
    running_s: float


@cache
def _client() -> httpx.Client:
    """One for all calls, because making one reads all certificates. Each call opens a connection:
    an old one may lead to a JobManager that has been replaced."""
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(timeout=20, limits=limits, verify=tls.client_context())


def _call(method: str, path: str, **kwargs: Any) -> Any:
    url = FlinkSettings().rest_url + path
    try:
        answer = _client().request(method, url, **kwargs)
    except httpx.TransportError as error:
        raise Retryable(
            f"the Flink JobManager at {FlinkSettings().rest_url} does not answer: learnstream up",
            url=url,
        ) from error
    if answer.status_code == 404:
        return None
    if answer.is_error:
        raise Retryable(f"{method} {url} answered {answer.status_code}: {answer.text[:300]}")
    return answer.json()


def running(name: str) -> Running | None:
    """The application of that name that has not ended; the newest where there are several."""
    return min(all_running(name), key=lambda job: job.running_s, default=None)


def all_running(name: str) -> list[Running]:
    """Every job of that name that has not ended."""
    return [
        Running(job["jid"], job["state"], job["duration"] / 1000)
        for job in _call("GET", "/jobs/overview")["jobs"]
        if job["name"] == name and job["state"] not in ENDED
    ]


def all_tasks_run(job_id: str) -> bool:
    job = _call("GET", f"/jobs/{job_id}")
    return bool(job) and all(task["status"] == "RUNNING" for task in job["vertices"])


def state(job_id: str) -> str | None:
    """RUNNING, RESTARTING, FAILED, …; None where the cluster does not know the job."""
    job = _call("GET", f"/jobs/{job_id}")
    return None if job is None else str(job["state"])


def duration_s(job_id: str) -> float:
    """From submission to now, or to the job's end."""
    return float(_call("GET", f"/jobs/{job_id}")["duration"]) / 1000


def ended_at(job_id: str) -> float:
    """When the job ended, in seconds since 1970."""
    return float(_call("GET", f"/jobs/{job_id}")["end-time"]) / 1000


def checkpoints(job_id: str) -> dict[str, Any]:
    return _call("GET", f"/jobs/{job_id}/checkpoints") or {}


def newest_checkpoint(job_id: str) -> str | None:
    """Path of the newest completed checkpoint or savepoint that the JobManager remembers."""
    latest = (checkpoints(job_id).get("latest") or {}).values()
    done = [one for one in latest if one and one.get("external_path") and one.get("id") is not None]
    return str(max(done, key=lambda one: one["id"])["external_path"]) if done else None


def metric(job_id: str, name: str) -> float | None:
    """One metric of the job as a whole; None where Flink has no such metric yet."""
    found = _call("GET", f"/jobs/{job_id}/metrics", params={"get": name}) or []
    return float(found[0]["value"]) if found else None


def sources(job_id: str) -> list[tuple[str, float, float | None]]:
    """Of each Kafka source: its table, the records that wait for it, its delay in milliseconds.

    The delay is the slowest subtask's, from a record's timestamp to its emission; None before the
    first record.
    """
    job = _call("GET", f"/jobs/{job_id}") or {"vertices": []}
    found = []
    for vertex in job["vertices"]:
        name = str(vertex["name"])
        if not name.startswith("Source: "):
            continue
        path = f"/jobs/{job_id}/vertices/{vertex['id']}/subtasks/metrics"
        known = {metric["id"] for metric in _call("GET", path) or []}
        wanted = [
            metric
            for metric in known
            if metric.endswith((".pendingRecords", ".currentEmitEventTimeLag"))
        ]
        values = _call("GET", path, params={"get": ",".join(wanted)}) or [] if wanted else []
        pending = sum(v["sum"] for v in values if v["id"].endswith(".pendingRecords"))
        delays = [v["max"] for v in values if v["id"].endswith(".currentEmitEventTimeLag")]
        # KafkaSource-default_catalog.default_database.content_messages
        table = name.removeprefix("Source: ").split("[")[0].split(" ")[0].rpartition(".")[2]
        found.append((table, float(pending), max(delays, default=None)))
    return found


def failure(job_id: str) -> str | None:
    """The first line of the last failure."""
    history = (_call("GET", f"/jobs/{job_id}/exceptions") or {}).get("exceptionHistory", {})
    entries = history.get("entries", [])
    if not entries:
        return None
    lines = str(entries[0].get("stacktrace", "")).splitlines()
    causes = [line for line in lines if line.startswith("Caused by:")]
    return (causes[-1].removeprefix("Caused by: ") if causes else lines[0])[:300] if lines else None


def stop_with_savepoint(job_id: str, folder: str, timeout_s: float = 120.0) -> str:
    """Stop the job at a savepoint in ``folder``; returns its path.

    Raises ``Retryable`` where Flink could not take it: the job then runs on.
    """
    body = {"targetDirectory": folder, "drain": False}
    request = _call("POST", f"/jobs/{job_id}/stop", json=body)["request-id"]
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        answer = _call("GET", f"/jobs/{job_id}/savepoints/{request}")
        if answer and answer["status"]["id"] == "COMPLETED":
            operation = answer["operation"]
            if "location" in operation:
                return str(operation["location"])
            cause = str(operation.get("failure-cause", {}).get("stack-trace", operation))
            raise Retryable(f"no savepoint: {cause.splitlines()[0]}", job_id=job_id)
        time.sleep(0.2)
    raise Retryable(f"no savepoint of job {job_id} within {timeout_s:.0f} s", job_id=job_id)


def cancel(job_id: str, timeout_s: float = 60.0) -> None:
    """End the job without a savepoint; its newest checkpoint stays."""
    _call("PATCH", f"/jobs/{job_id}", params={"mode": "cancel"})
    deadline = time.monotonic() + timeout_s
    while state(job_id) not in {*ENDED, None}:
        if time.monotonic() > deadline:
            raise Retryable(f"job {job_id} has not ended within {timeout_s:.0f} s", job_id=job_id)
        time.sleep(0.2)


def wait_until_running(job_id: str, timeout_s: float = 90.0) -> None:
    """Return once all tasks run.

    Raises ``LearnstreamError`` with the fact ``state`` where the job ends instead.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        now = state(job_id)
        if now == "RUNNING" and all_tasks_run(job_id):
            return
        if now in ENDED:
            raise LearnstreamError(f"the application is {now}: {failure(job_id)}", state=now)
        if time.monotonic() > deadline:
            raise Retryable(
                f"the application is {now} after {timeout_s:.0f} s: {failure(job_id)}; "
                "learnstream jobs status",
                state=now,
            )
        time.sleep(0.2)
