"""A stack of the benchmark's own, beside the one that may be up: nothing of yours is touched.

Kafka, Postgres, Redis and Flink of a second profile (``<name>-stream``, ports 400 higher), brought
up empty and wiped afterwards. Its TaskManager stands back, as for any history that is to be in
soon: by LMS_LOCAL_TASK_MANAGER_NICENESS, or by 4. ``LMS_BENCH_KEEP=1`` leaves the stack up, with
the topics, so that the next run need not publish again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

import psycopg

from contracts.errors import Misconfigured
from pipelines import application, cluster, schema
from stack import cli
from stack.local.catalogue import COMPONENTS
from stack.postgres import PostgresSettings
from stack.profile import profile

COMPONENT_NAMES = ("kafka", "postgres", "redis", "jobmanager", "taskmanager")
KEEP = os.environ.get("LMS_BENCH_KEEP") == "1"
_OFFSET = 400
_ELSEWHERE = (
    "LMS_KAFKA_BOOTSTRAP_SERVERS",
    "LMS_POSTGRES_ANALYTICS_URL",
    "LMS_REDIS_URL",
    "LMS_FLINK_REST_HOST",
    "LMS_FLINK_REST_PORT",
)


@contextmanager
def own_stack() -> Iterator[None]:
    """Within, all settings are those of the benchmark's own components, which are up.

    Raises ``Misconfigured`` where settings name other components: the benchmark empties its own.
    """
    for name in _ELSEWHERE:
        if name in os.environ:
            raise Misconfigured(
                f"{name} is set: this benchmark empties its database and runs on components of "
                "its own on this machine; unset it",
                setting=name,
            )
    names = ("LMS_LOCAL_NAME", "LMS_LOCAL_PORT_OFFSET", "LMS_LOCAL_TASK_MANAGER_NICENESS")
    before = {name: os.environ.get(name) for name in names}
    here = profile()
    os.environ["LMS_LOCAL_NAME"] = f"{here.name}-stream"
    os.environ["LMS_LOCAL_PORT_OFFSET"] = str(here.port_offset + _OFFSET)
    os.environ.setdefault("LMS_LOCAL_TASK_MANAGER_NICENESS", "4")
    try:
        with redirect_stdout(sys.stderr):
            cli.call("up", *COMPONENT_NAMES)
        running = cluster.running(application.NAME)
        if running:
            cluster.cancel(running.job_id)
        yield
    finally:
        if not KEEP:
            with redirect_stdout(sys.stderr):
                cli.call("down")
                cli.call("wipe", "--all", "--yes")
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def fresh_database() -> None:
    """The analytical database as it is made: every table, no row."""
    url = PostgresSettings().analytics_url
    with psycopg.connect(url.rpartition("/")[0] + "/postgres", autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS analytics WITH (FORCE)")
    COMPONENTS["postgres"].once_ready()
    schema.prepare()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
