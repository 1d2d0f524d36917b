"""The LMS behind a real PgBouncer in transaction mode, and with a real streaming replica."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from psycopg.conninfo import make_conninfo

from contracts.ids import new_id
from core_lms.app import create_app
from stack.local.component import Component
from stack.local.pgbouncer import PgBouncer
from stack.local.postgres import Postgres, unprivileged
from stack.postgres import PostgresSettings
from stack.principals import with_login
from stack.profile import Profile, profile
from tests.core_lms.conftest import Lms
from tests.ports import free_port
from tests.waiting import until, until_equal

pytestmark = pytest.mark.integration


@contextmanager
def running(component: Component) -> Iterator[None]:
    component.install(lambda doing: None)
    component.prepare()
    launch = component.launch()
    environment = {**os.environ, **launch.env}
    process = subprocess.Popen(
        [str(word) for word in launch.argv], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        until(component.ready, f"{component.name} is ready", every_s=0.02, process=process)
        yield
    finally:
        process.kill()
        process.wait()


def application(database: Any, **settings: Any) -> Iterator[Lms]:
    with TestClient(
        create_app(PostgresSettings(**settings)), raise_server_exceptions=False
    ) as client:
        yield Lms(client, database, new_id())


@pytest.fixture
def direct(stack: Profile, database: psycopg.Connection[Any]) -> Iterator[Lms]:
    yield from application(database)


def test_a_restarted_server_costs_no_request_an_error(direct: Lms) -> None:
    course = direct.course()

    def statuses() -> set[int]:
        with ThreadPoolExecutor(8) as callers:  # so that there are several connections
            asked = callers.map(lambda _: direct.get(f"/courses/{course}"), range(40))
            return {answer.status_code for answer in asked}

    assert statuses() == {200}
    with psycopg.connect(PostgresSettings().lms_url, autocommit=True) as owner:
        (ended,) = owner.execute(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
            "WHERE usename = 'lms'"
        ).fetchone() or (0,)
    assert ended > 0
    assert statuses() == {200}


@pytest.fixture(scope="module", params=[200, 0], ids=["prepared", "unprepared"])
def bouncer(stack: Profile, request: pytest.FixtureRequest) -> Iterator[str]:
    """Two server connections for everybody, so that every one of them is shared at once."""
    component = PgBouncer(free_port(), profile().port(15432), prepared_statements=request.param)
    with pytest.MonkeyPatch.context() as patch, running(component):
        if request.param == 0:
            patch.setenv("LMS_POSTGRES_PREPARED_STATEMENTS", "false")
        yield with_login(component.address(), "lms")


@pytest.fixture
def pooled(bouncer: str, database: psycopg.Connection[Any]) -> Iterator[Lms]:
    yield from application(database, app_url=bouncer)


def backends(url: str) -> set[int]:
    """Server processes that answer twenty clients one after the other."""
    found = set()
    for _ in range(20):
        with psycopg.connect(url, prepare_threshold=None) as connection:
            row = connection.execute("SELECT pg_backend_pid()").fetchone()
            assert row is not None
            found.add(row[0])
    return found


def test_a_server_connection_that_is_passed_on_forgets_the_tenant(
    bouncer: str, pooled: Lms
) -> None:
    pooled.course()
    count = "SELECT count(*) FROM courses"
    tenant = "SELECT set_config('learnstream.institution_id', %s, true)"
    with psycopg.connect(bouncer, prepare_threshold=None) as connection:
        connection.execute(tenant, [pooled.institution_id])
        assert connection.execute(count).fetchone() == (1,)
        connection.commit()
        assert connection.execute(count).fetchone() == (0,)
    with psycopg.connect(bouncer, prepare_threshold=None) as other:
        assert other.execute(count).fetchone() == (0,)


def test_many_institutions_at_once_over_two_connections_see_their_own_only(
    bouncer: str, pooled: Lms
) -> None:
    schools = [Lms(pooled.http, pooled.database, new_id()) for _ in range(6)]

    def work(school: Lms) -> list[str]:
        course_id = school.course()
        learner = school.user()
        item_id = school.item(course_id)
        school.enrollment(course_id, learner)
        view = {"event_type": "content.viewed", "user_id": learner}
        for _ in range(8):
            path = f"/courses/{course_id}/items/{item_id}/events"
            assert school.post(path, view).status_code == 201
            assert school.get(f"/courses/{course_id}").status_code == 200
            assert school.get(f"/courses/{course_id}/items").status_code == 200
            found = [course["id"] for course in school.get("/courses").json()["items"]]
            assert found == [course_id]
        return found

    with ThreadPoolExecutor(len(schools)) as threads:
        courses = list(threads.map(work, schools))
    for school, [course_id] in zip(schools, courses, strict=True):
        others = [c for [c] in courses if c != course_id]
        assert len(backends(bouncer)) <= 2, "the two connections were not shared"
        assert all(school.get(f"/courses/{other}").status_code == 404 for other in others)
        assert len(school.events()) == len({event["event_id"] for event in school.events()})
        assert school.types().count("content.viewed") == 8


class Replica:
    """A physical replica of the profile's server, made with pg_basebackup."""

    def __init__(self, folder: Path) -> None:
        self._data, self.port = folder / "replica", free_port()
        programs = profile().programs / "postgres/usr/lib/postgresql/17/bin"
        source = make_conninfo(PostgresSettings().lms_url, dbname="postgres")
        backup = ["-d", source, "-D", self._data, "-R", "-X", "stream", "-c", "fast"]
        subprocess.run([*unprivileged(), programs / "pg_basebackup", *backup], check=True)
        command = [*unprivileged(), programs / "postgres", "-D", self._data]
        command += ["-c", f"port={self.port}", "-c", "shared_buffers=32MB"]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        until(self._answers, "the replica answers", process=self.process)

    def url(self, user: str = "lms") -> str:
        return with_login(f"postgresql://127.0.0.1:{self.port}/lms", user)

    def ask(self, query: str) -> Any:
        with psycopg.connect(self.url("operator"), autocommit=True) as connection:
            row = connection.execute(query.encode()).fetchone()
            return row and row[0]

    def _answers(self) -> bool:
        try:
            return self.ask("SELECT pg_is_in_recovery()") is True
        except psycopg.OperationalError:
            return False

    def caught_up_with(self, database: psycopg.Connection[Any]) -> None:
        row = database.execute("SELECT pg_current_wal_lsn()").fetchone()
        assert row is not None
        replayed = f"SELECT pg_last_wal_replay_lsn() >= '{row[0]}'"
        until(lambda: self.ask(replayed), "the replica has caught up", every_s=0.02)


@pytest.fixture
def replica(stack: Profile, tmp_path: Path) -> Iterator[Replica]:
    Postgres().prepare()  # a server of an older checkout did not let replicas in
    with psycopg.connect(PostgresSettings().lms_url, autocommit=True) as owner:
        owner.execute("SELECT pg_reload_conf()")
    found = Replica(tmp_path)
    yield found
    found.process.kill()
    found.process.wait()


def test_lists_come_from_the_replica_decisions_from_the_primary_and_both_without_it(
    replica: Replica, database: psycopg.Connection[Any]
) -> None:
    for lms in application(database, replica_url=replica.url()):

        def listed(lms: Lms = lms) -> list[str]:
            answer = lms.get("/courses")
            assert answer.status_code == 200, answer.text
            return [course["id"] for course in answer.json()["items"]]

        old = lms.course()
        replica.caught_up_with(database)
        assert listed() == [old]
        replica.ask("SELECT pg_wal_replay_pause()")
        new = lms.course()
        assert listed() == [old], "the list was not asked of the replica"
        assert lms.get(f"/courses/{new}").status_code == 200, "one's own write is not old news"
        replica.process.kill()
        replica.process.wait()
        until_equal(listed, [old, new], within_s=30)
