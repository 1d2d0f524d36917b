"""The whole local stack on real components: up, killed, healed, down; own ports, own folder."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from contracts.errors import LearnstreamError
from stack import cli
from stack.kafka import admin
from stack.local import stack
from stack.local.catalogue import COMPONENTS, named
from stack.local.record import all_recorded, recorded
from stack.postgres import PostgresSettings, connect_analytics
from stack.profile import REPOSITORY, profile
from stack.redis import client
from tests.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.flink, pytest.mark.timeout(600)]

SERVERS = named(["servers"])


@pytest.fixture(scope="module")
def running() -> Iterator[None]:
    """A stack of its own: killing its components disturbs no other test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LMS_LOCAL_NAME", f"{profile().name}-stack")
        patch.setenv("LMS_LOCAL_PORT_OFFSET", str(profile().port_offset + 1000))
        patch.setenv("LMS_LOCAL_TASK_MANAGER_MEMORY_MB", "1024")
        patch.setenv("LMS_LOCAL_TASK_MANAGER_NICENESS", "3")
        stack.down(list(COMPONENTS.values()))
        stack.wipe(list(COMPONENTS.values()))
        stack.up(SERVERS)
        try:
            yield
        finally:
            stack.down(list(COMPONENTS.values()))
            stack.wipe(list(COMPONENTS.values()))


def postgres(database: str) -> psycopg.Connection[Any]:
    address = make_conninfo(PostgresSettings().lms_url, dbname=database)
    return psycopg.connect(address, autocommit=True)


def pid_of(name: str) -> int:
    record = recorded(name)
    assert record is not None
    return record.pid


def test_every_component_answers_and_holds_what_others_need(running: None) -> None:
    assert all(component.ready() for component in SERVERS)
    assert "lms.content.events" in admin().list_topics(timeout=10).topics
    with connect_analytics() as connection:
        rows = connection.execute("SELECT extname FROM pg_extension").fetchall()
        assert {("timescaledb",), ("vector",)} <= set(rows)
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_three_that_set_up_at_once_all_succeed(running: None) -> None:
    """Topics, tables, roles, schemas, the feature registry: what is made meanwhile is made."""
    with postgres("lms") as lms:
        assert lms.execute("SELECT to_regclass('users')").fetchone() == (None,)
    command = [sys.executable, "-m", "stack.cli", "setup"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    setups = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(3)
    ]
    said = [setup.communicate(timeout=300)[0].decode() for setup in setups]
    assert [setup.returncode for setup in setups] == [0, 0, 0], "\n---\n".join(said)
    assert sum("applied users/0001_users.sql" in one for one in said) == 1
    with postgres("lms") as lms, postgres("analytics") as analytics:
        assert lms.execute("SELECT to_regclass('users')::text").fetchone() == ("users",)
        assert analytics.execute("SELECT count(*) FROM feast.feature_views").fetchone() != (0,)


def test_many_that_find_no_database_make_it_together(running: None) -> None:
    component = COMPONENTS["postgres"]
    with postgres("postgres") as owner:
        for database in ("lms", "analytics"):
            owner.execute(f"DROP DATABASE {database} WITH (FORCE)")
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(component.once_ready) for _ in range(4)]:
            done.result()
    with postgres("analytics") as analytics:
        rows = analytics.execute("SELECT extname FROM pg_extension").fetchall()
        assert {("timescaledb",), ("vector",)} <= set(rows)


def test_a_component_stands_back_as_far_as_it_is_set(running: None) -> None:
    def niceness(name: str) -> tuple[int, str]:
        pid = pid_of(name)
        session = Path(f"/proc/{pid}/autogroup")
        number = os.getpriority(os.PRIO_PGRP, pid)
        # Where sessions share the cores, the session's number is the one that counts.
        return number, session.read_text().split()[-1] if session.exists() else str(number)

    assert niceness("taskmanager") == (3, "3")
    assert niceness("jobmanager") == (0, "0")


def test_up_again_starts_nothing_and_is_quick(running: None) -> None:
    before = {record.name: record.pid for record in all_recorded()}
    began = time.process_time()
    assert stack.up(SERVERS) == []
    assert time.process_time() - began < 1.0
    assert {record.name: record.pid for record in all_recorded()} == before


def test_status_describes_each_component(running: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.call("status", "--json") == 0
    components: dict[str, Any] = json.loads(capsys.readouterr().out)["components"]
    for component in SERVERS:
        shown = components[component.name]
        assert shown["state"] == "ready"
        assert shown["pid"] == pid_of(component.name)
        assert shown["memory_mb"] > 1
        assert shown["version"][0].isdigit()
    assert components["supervisor"]["state"] == "ready"
    assert components["serving"]["state"] == "stopped"


def test_all_components_killed_at_once_come_back_with_their_data(running: None) -> None:
    with connect_analytics(autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (number int)")
        connection.execute("INSERT INTO kept VALUES (42)")
    redis = client()
    redis.set("kept", "42")
    until(lambda: redis.info("persistence")["aof_pending_bio_fsync"] == 0, "Redis is on disk")
    before = {component.name: pid_of(component.name) for component in SERVERS}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)

    def healed() -> bool:
        return all(
            pid_of(component.name) != before[component.name]
            and stack.is_alive(component)
            and component.ready()
            for component in SERVERS
        )

    until(healed, "every killed component answers again")
    with connect_analytics() as connection:
        assert connection.execute("SELECT number FROM kept").fetchall() == [(42,)]
    assert client().get("kept") == b"42"
    assert "lms.content.events" in admin().list_topics(timeout=10).topics
    for component in SERVERS:
        record = recorded(component.name)
        assert record is not None
        assert record.restarts == 1


def test_a_component_that_was_stopped_on_purpose_stays_down(running: None) -> None:
    assert stack.down([COMPONENTS["redis"]]) == ["redis"]
    supervisor = stack.supervisor()
    assert supervisor is not None  # it goes on watching the others
    other, killed = COMPONENTS["taskmanager"], pid_of("taskmanager")
    os.kill(killed, signal.SIGKILL)
    until(lambda: pid_of(other.name) != killed and stack.is_alive(other), "a later round was made")
    assert recorded("redis") is None
    assert not COMPONENTS["redis"].ready()
    assert "redis" in stack.up(SERVERS)


def test_a_killed_supervisor_is_replaced_by_the_next_up(running: None) -> None:
    before = stack.supervisor()
    assert before is not None
    os.kill(before.pid, signal.SIGKILL)
    until(lambda: stack.supervisor() is None, "the supervisor is dead")
    assert stack.up(SERVERS) == []
    after = stack.supervisor()
    assert after is not None
    assert after.pid != before.pid


def test_a_taken_port_stops_up_before_anything_starts(running: None) -> None:
    stack.down([COMPONENTS["redis"]])
    port = COMPONENTS["redis"].ports()[0]
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        with pytest.raises(LearnstreamError, match=f"port {port}, which redis needs"):
            stack.up(SERVERS)
    assert recorded("redis") is None
    assert stack.up(SERVERS) == ["redis"]


def test_when_one_component_fails_what_was_started_is_stopped_again(
    running: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.down(named(["redis", "flink"]))
    monkeypatch.setenv("JAVA_HOME", str(_broken_java(profile().run)))
    with pytest.raises(LearnstreamError, match="ended while it was starting") as caught:
        stack.up(SERVERS)
    assert "this Java is broken" in caught.value.message  # the log's tail
    assert {record.name for record in all_recorded()} == {"kafka", "postgres", "supervisor"}
    monkeypatch.undo()
    assert set(stack.up(SERVERS)) == {"redis", "jobmanager", "taskmanager"}


def _broken_java(folder: Path) -> Path:
    program = folder / "broken-java" / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho this Java is broken\nexit 3\n")
    program.chmod(0o755)
    return program.parent.parent


def test_an_up_that_is_ended_half_way_leaves_nothing_running(running: None) -> None:
    stack.down([COMPONENTS["kafka"]])
    command = [sys.executable, "-m", "stack.cli", "up", "kafka"]
    up = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.DEVNULL)
    until(lambda: recorded("kafka") is not None, "Kafka is starting")
    kafka = recorded("kafka")
    assert kafka is not None
    up.terminate()
    assert up.wait(60) == 130
    assert kafka.process() is None
    assert recorded("kafka") is None
    assert stack.up(SERVERS) == ["kafka"]


def test_after_down_nothing_lives(running: None) -> None:
    folder = str(profile().run)
    assert _living(folder)
    assert set(stack.down(list(COMPONENTS.values()))) == {component.name for component in SERVERS}
    assert _living(folder) == []
    assert list(all_recorded()) == []
    assert stack.down(list(COMPONENTS.values())) == []


def _living(folder: str) -> list[str]:
    """Command lines of the processes that have a file of this profile open or on their command."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            logs = [file.path for file in process.open_files()]
            if process.pid != os.getpid() and folder in " ".join([*process.cmdline(), *logs]):
                found.append(" ".join(process.cmdline()))
    return found
