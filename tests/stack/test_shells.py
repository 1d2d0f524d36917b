"""``learnstream psql`` and ``redis``: the real shells, with read rights unless asked for more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stack.postgres import connect_analytics
from stack.principals import PRINCIPALS, password
from stack.profile import REPOSITORY, Profile
from stack.redis import client
from tests.waiting import until

pytestmark = pytest.mark.integration


def learnstream(*words: str, says: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stack.cli", *words],
        input=says,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("database", ["lms", "analytics"])
def test_psql_reads_by_default_and_writes_only_where_asked(stack: Profile, database: str) -> None:
    assert learnstream("psql", database, "-c", "SELECT current_user").stdout.split()[2] == "reader"
    table = {"lms": "outbox", "analytics": "sessions"}[database]
    asked = learnstream("psql", database, "-c", f"SELECT count(*) FROM {table}")
    assert asked.returncode == 0
    refused = learnstream("psql", database, "-c", f"DELETE FROM {table}")
    assert refused.returncode == 1
    assert "permission denied" in refused.stderr
    for trick in ("SET ROLE operator", "SET SESSION AUTHORIZATION operator"):
        assert learnstream("psql", database, "-c", trick).returncode == 1
    written = learnstream("psql", database, "--write", "-c", f"DELETE FROM {table} WHERE false")
    assert written.stdout.strip() == "DELETE 0"


def test_psql_shows_the_views_that_people_read_with_their_comments(stack: Profile) -> None:
    listed = learnstream("psql", "analytics", "--", "-At", "-c", "\\d").stdout.splitlines()
    assert "analytics|course_activity_day|view|operator" in listed
    assert "public|course_activity_day|table|operator" not in listed
    columns = learnstream("psql", "analytics", "-c", "\\d+ course_activity_day").stdout
    assert "start of the day (UTC)" in columns
    assert " part " not in columns


def test_psql_takes_its_own_options_a_script_and_the_lms_for_granted(stack: Profile) -> None:
    assert learnstream("psql", "--", "-At", "-c", "SELECT current_database()").stdout == "lms\n"
    assert learnstream("psql", "analytics", "--", "-At", says="SELECT 6 * 7;").stdout == "42\n"
    unknown = learnstream("psql", "nowhere")
    assert unknown.returncode == 1
    assert "choose from lms, analytics" in unknown.stderr


def test_redis_reads_by_default_and_writes_only_where_asked(stack: Profile) -> None:
    try:
        refused = learnstream("redis", "SET", "shells", "1")
        assert "NOPERM" in refused.stdout + refused.stderr
        assert learnstream("redis", "--write", "SET", "shells", "1").stdout.strip() == "OK"
        assert learnstream("redis", "GET", "shells").stdout.strip() == "1"
        listed = learnstream("redis", "--", "--scan", "--pattern", "shell*").stdout
        assert listed.strip() == "shells"
        assert learnstream("redis", says="GET shells\n").stdout.strip() == "1"
    finally:
        client().delete("shells")


@pytest.mark.parametrize(
    "command",
    [("psql", "-c", "SELECT pg_sleep(20)"), ("redis", "--write", "BLPOP", "shells", "20")],
)
def test_no_password_stands_on_a_command_line(stack: Profile, command: tuple[str, ...]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "stack.cli", *command],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.DEVNULL,
    )
    try:
        line = until(
            Path(f"/proc/{process.pid}/cmdline").read_bytes,
            "the shell runs",
            accepts=lambda line: line.split(b"\0")[0].endswith((b"/psql", b"/redis-cli")),
        )
        assert not any(password(name).encode() in line for name in PRINCIPALS)
    finally:
        process.kill()
        process.wait()


def test_the_reader_sees_what_is_there(stack: Profile) -> None:
    with connect_analytics() as owner:
        tables: Any = owner.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone()
    listed = learnstream(
        "psql",
        "analytics",
        "--",
        "-At",
        "-c",
        "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' "
        "AND has_table_privilege(format('%I.%I', schemaname, tablename), 'SELECT')",
    )
    assert listed.stdout.strip() == str(tables[0])
