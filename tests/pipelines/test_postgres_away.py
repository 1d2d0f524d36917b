"""PostgreSQL is killed under the running jobs: what came meanwhile is counted when it is back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

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
RECOVERED_WITHIN_S = 60.0
"""docs/operations.md says 8 s, on cores that were less busy than those of tests may be."""


@pytest.fixture(scope="module", autouse=True)
def running(flink: Profile) -> Iterator[None]:
    operation.submit()
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
    course_id, job_id, manager = new_id(), operation.read().job_id, pid("jobmanager")
    with publishing(course_id) as sent:
        until(lambda: totals(course_id)[0] > 10, "rows are written")
        with lifecycle.lock("postgres"):  # so long nobody starts it again
            server = recorded("postgres")
            assert server is not None
            process = server.process()
            assert process is not None
            process.kill()
            until(lambda: tries(job_id) > 1, "the jobs have failed, and again when they restarted")
            meanwhile = len(sent)
        until(answers, "PostgreSQL is back", ignoring=Exception)
        began = time.monotonic()
        until(lambda: totals(course_id)[0] > meanwhile, "what came meanwhile is counted")
        assert time.monotonic() - began < RECOVERED_WITHIN_S
    until_equal(lambda: totals(course_id)[0], len(sent))
    alive = cluster.running(application.NAME)
    assert alive is not None
    assert alive.job_id == job_id
    assert pid("jobmanager") == manager


def tries(job_id: str | None) -> float:
    return cluster.metric(job_id or "", "numRestarts") or 0.0
