"""PostgreSQL 17 with TimescaleDB and pgvector, from Debian trixie's packages in a private tree."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import psycopg

from contracts.errors import Misconfigured, Retryable
from stack import tls
from stack.local import debian
from stack.local.component import Launch, write_private
from stack.postgres import make
from stack.principals import OPERATOR, password
from stack.profile import profile

_CONF = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 120
shared_preload_libraries = 'timescaledb'
timezone = 'UTC'
log_timezone = 'UTC'
# Durable: a committed row is on the disk. Nothing here trades that for speed.
fsync = on
synchronous_commit = on
full_page_writes = on
# When a row could first be read: what freshness is measured by.
track_commit_timestamp = on
# Sized for a laptop of two cores and 16 GB.
shared_buffers = 512MB
effective_cache_size = 2GB
work_mem = 16MB
maintenance_work_mem = 256MB
wal_buffers = 16MB
wal_compression = lz4
min_wal_size = 512MB
max_wal_size = 4GB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
random_page_cost = 1.1
effective_io_concurrency = 100
max_worker_processes = 16
max_parallel_workers = 2
max_parallel_workers_per_gather = 1
timescaledb.max_background_workers = 4
timescaledb.telemetry_level = off
jit = off
log_min_duration_statement = 5s
log_line_prefix = '%m [%p] %d '
"""

_LOCK = 0x4C53_0006  # one at a time makes databases; any constant no other lock of ours uses
_HBA = "{kind} all,replication all 127.0.0.1/32 scram-sha-256\n"

_TLS = """\
ssl = on
ssl_cert_file = '{leaf}'
ssl_key_file = '{leaf}'
ssl_min_protocol_version = 'TLSv1.3'
"""

_OPERATOR = """\
DO $$
BEGIN
    -- A folder of before each process had its own role: this one owned all, without password.
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'learnstream') THEN
        CREATE ROLE mover SUPERUSER;  -- nobody can rename himself
        SET SESSION AUTHORIZATION mover;
        ALTER ROLE learnstream RENAME TO operator;
        SET SESSION AUTHORIZATION operator;
        DROP ROLE mover;
    END IF;
    ALTER ROLE operator PASSWORD '{password}';
END
$$;

"""


class Postgres(debian.DebianComponent):
    """One server with the databases ``lms`` and ``analytics``."""

    name: ClassVar[str] = "postgres"
    packages = ("postgresql-17", "postgresql-17-timescaledb", "postgresql-17-pgvector")
    programs = ("usr/lib/postgresql/17/bin/*",)
    stop_order: ClassVar[int] = 2
    # "Fast" shutdown: ends the sessions, writes a checkpoint. SIGTERM would wait for every client.
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT
    stop_timeout_s: ClassVar[float] = 30.0

    def prepare(self) -> None:
        word = password(OPERATOR)
        if not (self.data / "PG_VERSION").exists():
            self._initdb(word)
        (self.data / "postgresql.auto.conf").touch()
        encrypted = tls.on("postgres")
        conf = _CONF.format(port=self.ports()[0])
        if encrypted:
            conf += _TLS.format(leaf=str(self.certificate).replace("'", "''"))
        (self.data / "postgresql.conf").write_text(conf)
        if self._forget_dead_postmaster():
            self._give_password(word)
        kind = "hostssl" if encrypted else "host"
        (self.data / "pg_hba.conf").write_text(_HBA.format(kind=kind))

    def _initdb(self, word: str) -> None:
        fresh = self.data.with_name(".postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.parent.mkdir(parents=True, exist_ok=True)
        options = [
            *("-U", OPERATOR, "-A", "scram-sha-256", "--pwfile=/dev/stdin"),
            "-E",
            "UTF8",
            "--locale=C",
        ]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--data-checksums"]
        done = subprocess.run(
            [*unprivileged(), _program("initdb"), "-D", fresh, *options],
            input=word,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            shutil.rmtree(fresh, ignore_errors=True)
            if "unshare" in done.stderr:
                raise Misconfigured(
                    "PostgreSQL refuses to run as root, and root may make no user namespace here:"
                    " start learnstream as an ordinary user, or use `docker compose up`"
                )
            raise Retryable(f"initdb failed: {(done.stderr or done.stdout)[-800:].strip()}")
        # A crash between the two leaves a folder that is whole or none, never half a cluster.
        fresh.rename(self.data)
        write_private(self._known, _digest(word))

    def _give_password(self, word: str) -> None:
        """Make the operator's password what it is to be, without a server that anybody can ask."""
        if self._known.exists() and self._known.read_text() == _digest(word):
            return
        done = subprocess.run(
            [*unprivileged(), _program("postgres"), "--single", "-j", "-D", self.data, "postgres"],
            input=_OPERATOR.format(password=word.replace("'", "''")),
            capture_output=True,
            text=True,
            env={**os.environ, **self.launch().env},
        )
        if done.returncode or "ERROR" in done.stderr:
            said = [line for line in done.stderr.splitlines() if "ERROR" in line or "FATAL" in line]
            raise Retryable(f"the operator of PostgreSQL has no password: {said[:1]}")
        write_private(self._known, _digest(word))

    @property
    def _known(self) -> Path:
        """Says which password the data folder has."""
        return self.conf / "operator"

    def _forget_dead_postmaster(self) -> bool:
        """Remove a pid file whose process is gone or, after a reboot, somebody else's.

        Returns whether none is running.
        """
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            command = b""
        if str(self.data).encode() in command:
            return False
        pid_file.unlink(missing_ok=True)
        return True

    def launch(self) -> Launch:
        return Launch(
            [*unprivileged(), _program("postgres"), "-D", self.data],
            {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PGTZ": "UTC"},
        )

    def _connect(self, database: str) -> psycopg.Connection[Any]:
        options: dict[str, Any] = dict(tls.libpq())
        return psycopg.connect(
            host="127.0.0.1",
            port=self.ports()[0],
            user=OPERATOR,
            password=password(OPERATOR),
            dbname=database,
            connect_timeout=2,
            autocommit=True,
            **options,
        )

    def ready(self) -> bool:
        try:
            with self._connect("postgres") as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.Error:
            return False

    def once_ready(self) -> None:
        with self._connect("postgres") as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))  # until it is closed
            make_databases(connection, "lms", "analytics")
            connection.execute("REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC")
            with self._connect("analytics") as analytics:
                for extension in ("timescaledb", "vector"):
                    make(analytics, "CREATE EXTENSION IF NOT EXISTS {}", extension)
                # Debian's edition of TimescaleDB plans this job and may not run it: an error a day.
                analytics.execute(
                    "UPDATE _timescaledb_config.bgw_job SET scheduled = false"
                    " WHERE proc_name = 'policy_job_stat_history_retention' AND scheduled"
                    " AND current_setting('timescaledb.license') = 'apache'"
                )

    def ports(self) -> Sequence[int]:
        return (profile().port(15432),)

    def address(self) -> str:
        return f"postgresql://127.0.0.1:{self.ports()[0]}/lms"

    def version(self) -> str:
        server = debian.version("postgres", "postgresql-17")
        timescale = debian.version("postgres", "postgresql-17-timescaledb")
        return f"{server} + TimescaleDB {timescale}" if server != "-" else "-"


def make_databases(connection: psycopg.Connection[Any], *names: str) -> None:
    """Those that are missing; of two who do so at once one makes each."""
    rows = connection.execute("SELECT datname FROM pg_database").fetchall()
    for name in names:
        if (name,) not in rows:
            make(connection, "CREATE DATABASE {}", name)


def _digest(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()


def _program(name: str) -> Path:
    return profile().programs / "postgres/usr/lib/postgresql/17/bin" / name


def unprivileged() -> list[str]:
    """PostgreSQL refuses root: as root it gets a user namespace in which it is an ordinary user."""
    if os.geteuid() != 0:
        return []
    return ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]
