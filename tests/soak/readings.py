"""What a running stack holds: state, memory, rows waiting and rows kept."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
from psycopg import Connection

from pipelines import application, cluster
from pipelines.derive.job import catalogue
from stack.flink import FlinkSettings
from stack.local.java import java
from stack.local.record import recorded
from stack.postgres import connect_analytics, connect_lms
from stack.redis import client

PROCESSES = ("taskmanager", "archive", "derive", "relay", "features")
_MB = 1 << 20
_KEPT = (
    *("activity_events", "course_activity_minute", "course_activity_hour", "course_activity_day"),
    *("archive_offsets", "archive_arrivals"),
)

Reading = dict[str, float]


def state_mb(within_s: float = 60.0) -> Reading:
    """Size of the first checkpoint of the Flink application that begins from now on."""
    deadline, now_ms = time.monotonic() + within_s, time.time() * 1000
    while time.monotonic() < deadline:
        alive = cluster.running(application.NAME)
        newest = alive and (cluster.checkpoints(alive.job_id).get("latest") or {}).get("completed")
        if newest and newest["trigger_timestamp"] > now_ms:
            return {"flink state": newest["state_size"] / _MB}
        time.sleep(0.2)
    raise AssertionError(f"no checkpoint within {within_s:.0f} s")


def memory_mb() -> Reading:
    """Heap of the TaskManager after a collection, resident memory of our own processes."""
    found: Reading = {}
    for component in PROCESSES:
        record = recorded(component)
        process = record and record.process()
        if process is None:
            continue
        if component == "taskmanager":
            found["task heap"] = _heap_mb(process.pid)
        else:
            found[component] = process.memory_info().rss / _MB
    info: dict[str, Any] = client().info("memory")  # type: ignore[assignment]
    return found | {"redis": info["used_memory"] / _MB}


def cpu_s() -> float:
    """CPU seconds of all processes of the profile so far, of those that live."""
    total = 0.0
    for component in ("kafka", "postgres", "redis", "jobmanager", *PROCESSES):
        record = recorded(component)
        process = record and record.process()
        for one in [process, *process.children(recursive=True)] if process else []:
            try:
                times = one.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system + times.children_user + times.children_system
    return total


def rows() -> Reading:
    """Rows of the tables that are the product, and of the bookkeeping that should not grow."""
    derived = [table.name for job in catalogue().values() for table in job.tables]
    with connect_analytics() as connection:
        found = {name: _count(connection, name) for name in dict.fromkeys((*_KEPT, *derived))}
    with connect_lms() as connection:
        found["outbox"] = _count(connection, "outbox")
    return found | {"redis keys": float(client().dbsize())}


def _count(connection: Connection[Any], table: str) -> float:
    row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    return float(row[0]) if row else 0.0


def keys_without_end() -> list[str]:
    """Live counters that would never expire."""
    redis = client()
    return [key.decode() for key in redis.scan_iter("live:*") if redis.ttl(key) < 0]


def _heap_mb(pid: int) -> float:
    """After a full collection where the JVM's tools are there; else the least of some looks."""
    jcmd = Path(java()).resolve().parent / "jcmd"
    if not jcmd.exists():
        return _least_heap_mb()
    subprocess.run([jcmd, str(pid), "GC.run"], capture_output=True, check=True, timeout=60)
    printed = subprocess.run(
        [jcmd, str(pid), "GC.heap_info"], capture_output=True, check=True, timeout=60, text=True
    ).stdout
    used = re.search(r"heap\s.*?used (\d+)K", printed)
    assert used, printed
    return int(used[1]) / 1024


def _least_heap_mb() -> float:
    """Flink reports it every ten seconds; a minute's least is near what a collection leaves."""
    url = FlinkSettings().rest_url
    [manager] = httpx.get(f"{url}/taskmanagers", timeout=20).json()["taskmanagers"]
    looks = []
    for _ in range(6):
        [found] = httpx.get(
            f"{url}/taskmanagers/{manager['id']}/metrics",
            params={"get": "Status.JVM.Memory.Heap.Used"},
            timeout=20,
        ).json()
        looks.append(float(found["value"]) / _MB)
        time.sleep(10)
    return min(looks)
