"""PostgreSQL is killed under the running jobs: what came meanwhile is counted when it is back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from contracts.ids import new_id
from contracts.topics import CONTENT
from pipelines import application, cluster, operation
from stack import kafka
from stack.local import lifecycle
from stack.local.record import recorded
from stack.postgres import connect_analytics
from stack.profile import Profile
from tests.pipelines.messages import viewed
from tests.pipelines.test_jobs import totals
from tests.waiting import until, until_equal

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

NOON = datetime(2014, 3, 1, 12, 0, tzinfo=UTC)
AWAY_EVENTS = 100
"""So many are published while it is away."""


@pytest.fixture(scope="module", autouse=True)
def running(flink: Profile) -> Iterator[None]:
    operation.submit(["course_activity"])
    yield
    operation.cancel()


@contextmanager
def publishing(course_id: str) -> Iterator[list[bytes]]:
    """An event now and then."""
    sent: list[bytes] = []
    stop = threading.Event()

    def publish() -> None:
        producer = kafka.producer()
        while not stop.wait(0.1):
            sent.append(viewed(NOON, course_id=course_id))
            producer.produce(CONTENT.name, sent[-1])
            producer.flush()

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield sent
    finally:
        stop.set()
        thread.join()


def pid(component: str) -> int | None:
    record = recorded(component)
    process = record and record.process()
    return process.pid if process else None


def answers() -> bool:
    with connect_analytics() as connection:
        return bool(connection.execute("SELECT 1").fetchone())


def test_the_jobs_go_on_by_themselves_after_postgres_was_killed() -> None:
    course_id, before = new_id(), running_now()
    with publishing(course_id) as sent:
        until(lambda: totals(course_id)[0] > 10, "rows are written")
        with lifecycle.lock("postgres"):  # so long nobody starts it again
            server = recorded("postgres")
            assert server is not None
            process = server.process()
            assert process is not None
            process.kill()
            meanwhile = len(sent) + AWAY_EVENTS
            until(lambda: len(sent) > meanwhile, "events come while it is away")
        until(answers, "PostgreSQL is back", ignoring=psycopg.OperationalError)
        until(lambda: totals(course_id)[0] > meanwhile, "what came meanwhile is counted")
    until_equal(lambda: totals(course_id)[0], len(sent))
    assert running_now() == before, "the same processes, and the same application"


def running_now() -> dict[str, Any]:
    alive = cluster.running(application.NAME)
    pids = {name: pid(name) for name in ("jobmanager", "taskmanager")}
    return {**pids, "application": alive and alive.job_id}
