"""PostgreSQL's data folder: passwords from the first start on, also for a folder of before."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from stack import principals
from stack.local import lifecycle
from stack.local.postgres import Postgres, make_databases, unprivileged
from stack.postgres import PostgresSettings, make
from stack.profile import Profile, profile
from tests.waiting import until

pytestmark = pytest.mark.integration

PROGRAMS = "postgres/usr/lib/postgresql/17/bin"


@pytest.fixture
def own() -> Iterator[Postgres]:
    """A server of a profile of its own, not started."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LMS_LOCAL_NAME", f"{profile().name}-folder")
        patch.setenv("LMS_LOCAL_PORT_OFFSET", str(profile().port_offset + 50))
        component = Postgres()
        component.install(lambda doing: None)
        component.wipe()
        yield component
        lifecycle.stop(component)
        component.wipe()


@contextmanager
def up(component: Postgres) -> Iterator[None]:
    lifecycle.start(component, threading.Event())
    try:
        yield
    finally:
        lifecycle.stop(component)


def ask(user: str, word: str, query: str, database: str = "lms") -> Any:
    port = profile().port(15432)
    address = f"host=127.0.0.1 port={port} user={user} dbname={database}"
    with psycopg.connect(address, password=word, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row and row[0]


def refused(user: str, word: str = "") -> bool:
    try:
        ask(user, word, "SELECT 1", "postgres")
    except psycopg.OperationalError as error:
        return "authentication failed" in str(error) or "no password supplied" in str(error)
    return False


def as_before(component: Postgres) -> None:
    """What `up` made once: one superuser without a password, who owned everything."""
    options = ["-U", "learnstream", "-A", "trust", "-E", "UTF8", "--locale=C"]
    options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    program = profile().programs / PROGRAMS
    component.data.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [*unprivileged(), program / "initdb", "-D", component.data, *options],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    command = [*unprivileged(), program / "postgres", "-D", component.data]
    command += ["-p", str(component.ports()[0]), "-c", "unix_socket_directories="]
    server = subprocess.Popen(command, env={**os.environ, "TZ": "UTC"}, stderr=subprocess.DEVNULL)
    try:
        until(
            lambda: ask("learnstream", "", "SELECT 1", "postgres") or True,
            "PostgreSQL answers",
            ignoring=psycopg.OperationalError,
            process=server,
        )
        address = f"host=127.0.0.1 port={component.ports()[0]} user=learnstream dbname=postgres"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("CREATE DATABASE lms")
            connection.execute("CREATE ROLE learnstream_app LOGIN")
        with psycopg.connect(address, dbname="lms") as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
    finally:
        server.kill()  # so that the folder has to be recovered first, as after a power cut
        server.wait()


def test_a_new_folder_lets_nobody_in_without_a_password_and_nobody_else_read_it(
    own: Postgres,
) -> None:
    word = principals.password("operator")
    with up(own):
        assert ask("operator", word, "SELECT current_user") == "operator"
        for user in ("operator", "learnstream", "postgres", "root", "learnstream_app"):
            assert refused(user), user
            assert refused(user, "learnstream"), user
    assert own.data.stat().st_mode & 0o777 == 0o700
    assert "trust" not in (own.data / "pg_hba.conf").read_text()


def test_a_folder_of_before_keeps_its_rows_and_gets_passwords(own: Postgres) -> None:
    as_before(own)
    word = principals.password("operator")
    for _ in range(2):  # and again: then there is nothing left to do
        with up(own):
            assert ask("operator", word, "SELECT number FROM kept") == 42
            owner = "SELECT relowner::regrole::text FROM pg_class WHERE relname = 'kept'"
            assert ask("operator", word, owner) == "operator"
            mighty = "SELECT string_agg(rolname, ',') FROM pg_roles WHERE rolsuper"
            assert ask("operator", word, mighty) == "operator"
            for user in ("operator", "learnstream", "learnstream_app", "mover"):
                assert refused(user), user


def test_a_password_that_was_lost_or_changed_is_given_anew_at_the_next_start(
    own: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    with up(own):
        old = principals.password("operator")
    monkeypatch.setenv("LMS_SECRET_PRINCIPAL_OPERATOR", "another'one")
    with up(own):
        assert ask("operator", "another'one", "SELECT 1") == 1
        assert refused("operator", old)


def test_of_many_who_make_the_same_thing_at_once_one_makes_it_and_nobody_fails(
    stack: Profile,
) -> None:
    """Databases, roles, schemas, extensions: what somebody else made a moment ago is made."""
    url, name = PostgresSettings().lms_url, f"race_{os.getpid()}"
    there = psycopg.conninfo.make_conninfo(url, dbname=name)

    def race(address: str, statement: str, *names: str) -> list[bool]:
        together, made = threading.Barrier(6), []

        def one() -> None:
            with psycopg.connect(address, autocommit=True) as connection:
                together.wait()
                made.append(make(connection, statement, *names))

        threads = [threading.Thread(target=one) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return made

    try:
        assert sorted(race(url, "CREATE DATABASE {}", name)) == [False] * 5 + [True]
        assert sorted(race(there, "CREATE ROLE {}", name)) == [False] * 5 + [True]
        assert sorted(race(there, "CREATE SCHEMA {}", "made")) == [False] * 5 + [True]
        # IF NOT EXISTS looks first and makes then: of two at once it fails one.
        assert len(race(there, "CREATE SCHEMA IF NOT EXISTS {}", "also")) == 6
        assert len(race(there, "CREATE EXTENSION IF NOT EXISTS {}", "vector")) == 6
        assert len(race(there, "CREATE EXTENSION IF NOT EXISTS {}", "timescaledb")) == 6
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def test_databases_that_are_there_are_left_alone(stack: Profile) -> None:
    with psycopg.connect(PostgresSettings().lms_url, autocommit=True) as connection:
        make_databases(connection, "lms", "analytics")


def test_folders_of_the_components_are_their_user_s_alone(stack: Profile) -> None:
    run = profile().run
    components = [
        path for kind in ("data", "conf") for path in (run / kind).iterdir() if path.is_dir()
    ]
    assert {path.name for path in components} >= {"kafka", "postgres", "redis"}
    for folder in (run, run / "data", run / "conf", run / "logs", run / "secrets", *components):
        assert folder.stat().st_mode & 0o077 == 0, folder
    for secret in (run / "secrets").iterdir():
        assert secret.stat().st_mode & 0o777 == 0o600, secret
    for log in (run / "logs").iterdir():
        assert log.stat().st_mode & 0o077 == 0, log
    assert Path(run / "conf" / "postgres" / "operator").stat().st_mode & 0o777 == 0o600
