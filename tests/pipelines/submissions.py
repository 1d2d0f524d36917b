"""One small job submitted and cancelled again and again, and the classes that Flink then holds."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from pipelines import application, cluster
from pipelines.job import catalogue
from stack import tls
from stack.flink import FlinkSettings
from stack.local.record import recorded
from tests.waiting import until

PROCESSES = {"jobmanager": "/jobmanager", "taskmanager": "/taskmanagers/taskmanager"}
_JOB = catalogue()["course_activity"]
_HEAP, _METASPACE = "Status.JVM.Memory.Heap.Used", "Status.JVM.Memory.Metaspace.Used"


@dataclass(frozen=True, slots=True)
class Held:
    """Of a process its pid, and the MB of its metaspace."""

    pid: int
    metaspace_mb: float


def submit_and_cancel(times: int) -> None:
    for number in range(times):
        built = application.build(
            application.definitions([_JOB]), application.streamed([_JOB]), f"submission-{number}"
        )
        job_id = application.start(built)
        cluster.wait_until_running(job_id)
        cluster.cancel(job_id)


def held() -> dict[str, Held]:
    return {name: Held(_pid(name), _metaspace_mb(path)) for name, path in PROCESSES.items()}


def _pid(component: str) -> int:
    record = recorded(component)
    process = record and record.process()
    assert process, f"{component} lives"
    return process.pid


def _metaspace_mb(path: str) -> float:
    """Flink reads its metrics every ten seconds, when it is asked for them: the heap shows when."""
    before = _metrics(path)
    metrics = until(
        lambda: _metrics(path),
        "the metrics have been read again",
        accepts=lambda now: now.keys() >= {_HEAP, _METASPACE} and now[_HEAP] != before.get(_HEAP),
        every_s=0.5,
    )
    return metrics[_METASPACE] / (1 << 20)


def _metrics(path: str) -> dict[str, float]:
    url = f"{FlinkSettings().rest_url}{path}/metrics"
    names = {"get": f"{_HEAP},{_METASPACE}"}
    answer = httpx.get(url, params=names, timeout=20, verify=tls.client_context())
    return {metric["id"]: float(metric["value"]) for metric in answer.json()}
