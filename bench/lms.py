"""How many requests a second does the LMS answer on this machine, and how fast at half of that?

Learners enroll, view and hand in work (in equal shares), each request one transaction with its
event in the outbox; then they read courses, tables of contents and their own enrollment. Tokens are
checked, policies asked, buckets drained as in production. Everything runs here: the LMS with
``WORKERS`` processes, PostgreSQL with fsync, Redis, and the generator in a process of its own. The
database is made for the purpose, and its outbox is not relayed (``bench outbox`` measures that).
"""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg
from psycopg.conninfo import make_conninfo

from bench.load import Outcome, drive, request
from contracts.errors import LearnstreamError, Retryable
from contracts.ids import new_id
from core_lms.migrate import migrate
from gateway.keys import KeyRing
from gateway.tokens import issue
from stack import cli
from stack.local.record import recorded
from stack.postgres import PostgresSettings
from stack.profile import REPOSITORY

WORKERS = 2
LEARNERS = 400
COURSES = 60
ITEMS = 20
CONNECTIONS = 32
SECONDS = float(os.environ.get("LMS_BENCH_SECONDS", "10"))
ENOUGH_PER_S = 3_000
"""Requests prepared per second of a phase: more than this machine answers."""

LIMITS = {"LMS_LIMITS_ADDRESS": "100000/s burst 1000000"}
"""All learners sit at one address here; their own buckets are the ordinary ones."""


def run() -> dict[str, float | int | str]:
    if cli.call("up", "postgres", "redis") != 0:
        raise Retryable("Postgres and Redis do not start: the lines above say why")
    with _database(f"bench_{new_id().replace('-', '')}") as (owner_url, app_url):
        migrate(owner_url)
        with _lms(owner_url, app_url) as (server, port):
            school = _school(port, app_url)
            writes, reads = school.writes(), school.reads()
            _phase(port, writes, 2.0)
            _phase(port, reads, 1.0)
            peak_writes = _phase(port, writes, SECONDS)
            split = _Split(server)
            half_writes = _phase(port, writes, SECONDS, peak_writes.per_s / 2)
            writes_cpu = split.read(half_writes)
            split = _Split(server)
            peak_reads = _phase(port, reads, SECONDS)
            reads_cpu = split.read(peak_reads)
            half_reads = _phase(port, reads, SECONDS, peak_reads.per_s / 2)
            memory_mb = _peak_memory_mb(server)
    return {
        "writes_per_s": round(peak_writes.per_s),
        "writes_p99_ms": round(half_writes.p99_ms, 1),
        "writes_p50_ms": round(half_writes.p50_ms, 1),
        "writes_max_ms": round(half_writes.max_ms, 1),
        "writes_p99_ms_at_full_load": round(peak_writes.p99_ms, 1),
        "reads_per_s": round(peak_reads.per_s),
        "reads_p99_ms": round(half_reads.p99_ms, 1),
        "reads_p50_ms": round(half_reads.p50_ms, 1),
        "reads_p99_ms_at_full_load": round(peak_reads.p99_ms, 1),
        "workers": WORKERS,
        "connections": CONNECTIONS,
        "learners": LEARNERS,
        "peak_memory_mb": round(memory_mb),
        **{f"cpu_ms_per_write_{name}": ms for name, ms in writes_cpu.items()},
        **{f"cpu_ms_per_read_{name}": ms for name, ms in reads_cpu.items()},
    }


def _phase(
    port: int, requests: Iterator[bytes], seconds: float, per_s: float | None = None
) -> Outcome:
    """Raises where anything but success came back: refusals are quick and would flatter."""
    prepared = list(
        itertools.islice(requests, int((per_s or ENOUGH_PER_S) * seconds) + CONNECTIONS)
    )
    outcome = drive(
        "127.0.0.1", port, prepared, connections=CONNECTIONS, seconds=seconds, per_s=per_s
    )
    bad = {status: n for status, n in outcome.statuses.items() if not status.startswith("2")}
    if bad:
        raise LearnstreamError(f"not all requests succeeded: {bad}")
    return outcome


@dataclass(frozen=True)
class School:
    """What was made beforehand, over HTTP."""

    port: int
    tokens: dict[str, str]
    enrollments: dict[str, str]
    home: str
    """The course in which everybody is from the beginning."""
    courses: Sequence[str]
    items: Sequence[str]
    assessment: str

    def writes(self) -> Iterator[bytes]:
        learners = list(self.tokens)
        pairs = ((learner, course) for course in self.courses for learner in learners)
        for number, (learner, course) in enumerate(pairs):
            # Three learners after one another, so that no two requests wait for the same key.
            viewer, writer = (learners[(number + 7 * n) % len(learners)] for n in (1, 2))
            yield self._post(learner, f"/courses/{course}/enrollments", {"user_id": learner})
            item = self.items[number % len(self.items)]
            view = {"event_type": "content.viewed", "user_id": viewer}
            yield self._post(viewer, f"/courses/{self.home}/items/{item}/events", view)
            work = f"/assessments/{self.assessment}/submissions"
            yield self._post(writer, work, {"user_id": writer})

    def reads(self) -> Iterator[bytes]:
        for number, learner in enumerate(itertools.cycle(self.tokens)):
            course = self.courses[number % len(self.courses)]
            yield self._get(learner, f"/courses/{course}")
            yield self._get(learner, f"/courses/{self.home}/items")
            yield self._get(learner, f"/enrollments/{self.enrollments[learner]}")

    def _get(self, learner: str, path: str) -> bytes:
        return request("GET", "127.0.0.1", f"/api/v1{path}", self._headers(learner))

    def _post(self, learner: str, path: str, body: dict[str, str]) -> bytes:
        return request("POST", "127.0.0.1", f"/api/v1{path}", self._headers(learner), body)

    def _headers(self, learner: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[learner]}"}


def _school(port: int, app_url: str) -> School:
    ring, institution_id = KeyRing(app_url), new_id()
    operator = issue(ring, institution_id, roles=["admin@global"], permissions=["*"], name="bench")
    headers = {"Authorization": f"Bearer {operator}"}
    base = f"http://127.0.0.1:{port}/api/v1"
    with httpx.Client(base_url=base, headers=headers, timeout=30) as http:

        def made(path: str, **body: str) -> str:
            answer = http.post(path, json=body)
            if answer.status_code != httpx.codes.CREATED:
                raise LearnstreamError(f"POST {path}: {answer.status_code} {answer.text[:300]}")
            return str(answer.json()["id"])

        def user(role: str) -> str:
            return made("/users", email=f"{new_id()}@example.org", name="Sam Doe", role=role)

        instructor = user("instructor")

        def course(lessons: int) -> tuple[str, list[str]]:
            course_id = made("/courses", title="Statistics", instructor_id=instructor)
            items = [
                made(f"/courses/{course_id}/items", kind="video", title=f"Lesson {number}")
                for number in range(lessons)
            ]
            http.post(f"/courses/{course_id}/publish").raise_for_status()
            return course_id, items

        home, items = course(ITEMS)
        courses = [course(1)[0] for _ in range(COURSES)]
        work = made(f"/courses/{home}/assessments", kind="project", title="A histogram of your own")
        learners = [user("student") for _ in range(LEARNERS)]
        enrollments = {
            learner: made(f"/courses/{home}/enrollments", user_id=learner) for learner in learners
        }
    tokens = {
        learner: issue(
            ring,
            institution_id,
            user_id=learner,
            roles=["student@institution"],
            session_id=new_id(),
            authenticated_at=time.time(),
        )
        for learner in learners
    }
    return School(port, tokens, enrollments, home, courses, items, work)


class _Split:
    """CPU time by process from the creation of this object until ``read``."""

    def __init__(self, server: psutil.Process) -> None:
        self._groups = {"lms": server}
        for name in ("postgres", "redis"):
            record = recorded(name)
            process = None if record is None else record.process()
            if process is not None:
                self._groups[name] = process
        self._before = self._used()

    def _used(self) -> dict[str, float]:
        return {name: _cpu_s(process) for name, process in self._groups.items()}

    def read(self, outcome: Outcome) -> dict[str, float]:
        """Milliseconds per request."""
        used = self._used()
        spent = {name: used[name] - self._before[name] for name in used}
        spent["generator"] = outcome.cpu_s
        return {name: round(s * 1000 / outcome.answers, 3) for name, s in spent.items()}


def _cpu_s(parent: psutil.Process) -> float:
    total = 0.0
    for process in (parent, *parent.children(recursive=True)):
        times = process.cpu_times()
        total += times.user + times.system
    return total


def _peak_memory_mb(server: psutil.Process) -> float:
    """Sum over the workers of the kernel's high-water marks."""
    total = 0.0
    for process in (server, *server.children(recursive=True)):
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        [peak] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        total += int(peak.split()[1])
    return total / 1024


@contextmanager
def _database(name: str) -> Iterator[tuple[str, str]]:
    """A database of its own, as its owner and as the application see it."""
    settings = PostgresSettings()
    with psycopg.connect(settings.lms_url, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit"):
            if connection.execute(f"SHOW {setting}").fetchone() != ("on",):
                raise LearnstreamError(f"Postgres runs with {setting} off: nothing is durable")
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield tuple(
                make_conninfo(url, dbname=name) for url in (settings.lms_url, settings.app_url)
            )  # type: ignore[misc]
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _lms(owner_url: str, app_url: str) -> Iterator[tuple[psutil.Process, int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {
        **os.environ,
        **LIMITS,
        "PYTHONPATH": str(REPOSITORY),
        "LMS_POSTGRES_LMS_URL": owner_url,
        "LMS_POSTGRES_APP_URL": app_url,
        "LMS_HTTP_LMS_PORT": str(port),
        "LMS_HTTP_LMS_WORKERS": str(WORKERS),
    }
    command = [sys.executable, "-m", "core_lms"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not _ready(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Retryable("the LMS did not start: try `python -m core_lms`")
            time.sleep(0.1)
        yield psutil.Process(process.pid), port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=5).status_code == 200
    except httpx.TransportError:
        return False
