"""A database of its own, events of its own institution in Kafka, and a consumer that counts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from contracts.envelope import wrap
from contracts.events.content import ContentViewed
from contracts.ids import new_id
from contracts.topics import CONTENT
from core_lms.inbox.failpoint import VARIABLE
from stack import kafka
from stack.postgres import PostgresSettings
from stack.profile import REPOSITORY
from tests.core_lms.conftest import copied
from tests.logins import anonymous
from tests.ports import free_port
from tests.topics import begin_at_the_end
from tests.waiting import until

PROCESS = Path(__file__).with_name("counting_process.py")
NAME = "test.counting"
TABLES = """
CREATE TABLE applied (
    id BIGINT GENERATED ALWAYS AS IDENTITY, key TEXT NOT NULL, n INT NOT NULL,
    institution_id UUID NOT NULL
);
SELECT tenant_table('applied');
CREATE TABLE verdicts (n INT PRIMARY KEY, what TEXT NOT NULL);
SELECT shared_table('verdicts', 'SELECT');
"""


@dataclass
class Inbox:
    """One database with an inbox; ``expected`` is what was sent, numbers by key."""

    owner_url: str
    app_url: str
    institution_id: str
    expected: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def rows(self, query: str, *values: Any) -> list[Any]:
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            return connection.execute(query, values or None).fetchall()

    def execute(self, query: str, *values: Any) -> None:
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            connection.execute(query, values or None)

    def send(self, *pairs: tuple[str, int], raw: bytes | None = None) -> None:
        """Put events (key and number) into Kafka, in one transaction; or one raw message."""
        producer = kafka.producer(**{"transactional.id": f"test-{new_id()}"})
        producer.init_transactions(30)
        producer.begin_transaction()
        for key, number in pairs:
            self.expected[key].append(number)
            producer.produce(CONTENT.name, self.message(key, number), key)
        if raw is not None:
            producer.produce(CONTENT.name, raw, new_id())
        producer.commit_transaction(30)

    def message(self, key: str, number: int) -> bytes:
        event = ContentViewed(user_id=key, course_id=key, item_id=key, kind="video", clicks=number)
        return wrap(event, institution_id=self.institution_id, source_service="test").encode()

    def start(self, failpoint: str = "", **settings: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "LMS_PRINCIPAL": "inbox",
            "LMS_POSTGRES_APP_URL": anonymous(self.app_url),
            "LMS_HTTP_INBOX_PORT": str(free_port()),
            "LMS_INBOX_BATCH": "7",
            "LMS_INBOX_BACKOFF_MAX_S": "0.5",
            "INBOX_TEST_INSTITUTION": self.institution_id,
            VARIABLE: failpoint,
            **settings,
        }
        process = subprocess.Popen([sys.executable, str(PROCESS)], env=environment)
        self.processes.append(process)
        return process

    def end(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in (0, -signal.SIGTERM)

    def applied(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for key, number in self.rows("SELECT key, n FROM applied ORDER BY id"):
            found[key].append(number)
        return dict(found)

    def emitted(self) -> int:
        [[count]] = self.rows(
            "SELECT count(*) FROM outbox WHERE message::jsonb ->> 'institution_id' = %s",
            self.institution_id,
        )
        return int(count)

    def wait(self, count: int) -> None:
        def enough() -> bool:
            assert any(process.poll() is None for process in self.processes), "all have ended"
            return sum(map(len, self.applied().values())) >= count

        until(enough, f"{count} are applied")


@pytest.fixture
def inbox(template: str) -> Iterator[Inbox]:
    settings = PostgresSettings()
    name = f"inbox_{new_id().replace('-', '')}"
    owner = copied(template, name)
    made = Inbox(owner, psycopg.conninfo.make_conninfo(settings.app_url, dbname=name), new_id())
    made.execute(TABLES)
    with psycopg.connect(owner, autocommit=True) as connection:
        begin_at_the_end(connection, NAME, [CONTENT.name])
    yield made
    for process in made.processes:
        process.kill()
        process.wait()
    with psycopg.connect(settings.lms_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
