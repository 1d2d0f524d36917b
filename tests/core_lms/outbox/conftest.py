"""An outbox of its own (a database beside the others), late-committing writers, a relay to kill."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
import psycopg
import pytest

from contracts.envelope import wrap
from contracts.events.content import ContentViewed
from contracts.ids import new_id
from contracts.topics import CONTENT
from core_lms.outbox import APPEND, rows
from core_lms.outbox.failpoint import VARIABLE
from stack import kafka
from stack.postgres import PostgresSettings
from stack.profile import REPOSITORY
from tests.core_lms.conftest import copied
from tests.logins import anonymous
from tests.topics import ends
from tests.waiting import until


@dataclass
class Outbox:
    """One database with an outbox; its events are distinguished in Kafka by their institution."""

    url: str
    institution_id: str
    start: dict[int, int]
    """Offsets of the content topic when the test began, by partition."""
    relays: list[subprocess.Popen[bytes]] = field(default_factory=list)
    """Every relay started, so that a failing test leaves none behind."""

    def connect(self, **kwargs: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url, **kwargs)

    def event(self, key: str, number: int, history: bool = False) -> dict[str, Any]:
        """Parameters of ``APPEND``; ``clicks`` carries the number of the event under its key."""
        viewed = ContentViewed(user_id=key, course_id=key, item_id=key, kind="video", clicks=number)
        envelope = wrap(viewed, institution_id=self.institution_id, source_service="test")
        return rows(envelope, history=history)

    def waiting(self) -> int:
        with self.connect() as connection:
            row = connection.execute("SELECT count(*) FROM outbox").fetchone()
            return int(row[0]) if row else 0

    def relay(self, failpoint: str = "", **settings: str) -> subprocess.Popen[bytes]:
        """The relay as the product runs it; one that is to die works in small batches.

        ``failpoint`` is ``step:n``.
        """
        environment = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "LMS_PRINCIPAL": "relay",
            "LMS_POSTGRES_LMS_URL": anonymous(self.url),
            "LMS_OUTBOX_BATCH_ROWS": "15" if failpoint else "500",
            "LMS_OUTBOX_BACKOFF_MAX_S": "0.5",
            VARIABLE: failpoint,
            **settings,
        }
        command = [sys.executable, "-m", "core_lms.outbox"]
        relay = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        self.relays.append(relay)
        return relay

    @contextmanager
    def relaying(self, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
        process = self.relay(**settings)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)

    def published(self) -> dict[str, list[int]]:
        """What read_committed readers see since the test began: numbers by key, in order."""
        found: dict[str, list[int]] = defaultdict(list)
        for messages in kafka.remaining({(CONTENT.name, p): at for p, at in self.start.items()}):
            for message in messages:
                envelope = orjson.loads(message.value() or b"")
                if envelope["institution_id"] == self.institution_id:
                    found[envelope["payload"]["user_id"]].append(envelope["payload"]["clicks"])
        return dict(found)


@pytest.fixture
def outbox(template: str) -> Iterator[Outbox]:
    server = PostgresSettings().lms_url
    name = f"outbox_{new_id().replace('-', '')}"
    url = copied(template, name)
    start = {number: offset for (_, number), offset in ends(CONTENT.name).items()}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE counters (key TEXT PRIMARY KEY, n INT NOT NULL)")
    outbox = Outbox(url, new_id(), start)
    yield outbox
    for relay in outbox.relays:
        relay.kill()
        relay.wait()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


class Writers:
    """Threads that change state and append its events, holding transactions open at random.

    A counter per key is the state: its row lock numbers the key's events in the order in which
    their transactions commit. Some transactions roll back, so outbox ids have gaps too.
    """

    def __init__(self, outbox: Outbox, threads: int = 4, keys: int = 8, seed: int = 7) -> None:
        self._outbox = outbox
        self._keys = [new_id() for _ in range(keys)]
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(random.Random(seed * 100 + number),))
            for number in range(threads)
        ]
        with outbox.connect(autocommit=True) as connection:
            for key in self._keys:
                connection.execute("INSERT INTO counters VALUES (%s, 0)", [key])

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Returns once nobody writes any more."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def committed(self) -> dict[str, int]:
        """How many events each key has, as Postgres knows it once it answers."""
        found: list[Any] = []

        def answered() -> bool:
            nonlocal found
            try:
                with self._outbox.connect() as connection:
                    found = connection.execute("SELECT key, n FROM counters").fetchall()
            except psycopg.OperationalError:
                return False
            return True

        until(answered, "Postgres answers")
        return {str(key): int(n) for key, n in found if n > 0}

    def _run(self, chance: random.Random) -> None:
        while not self._stop.is_set():
            # Postgres may be killed under us; what then counts is what it kept.
            with suppress(psycopg.OperationalError), self._outbox.connect() as connection:
                while not self._stop.is_set():
                    self._transaction(connection, chance)
            self._stop.wait(0.1)

    def _transaction(self, connection: psycopg.Connection[Any], chance: random.Random) -> None:
        key = chance.choice(self._keys)
        for _ in range(chance.randint(1, 3)):
            row = connection.execute(
                "UPDATE counters SET n = n + 1 WHERE key = %s RETURNING n", [key]
            ).fetchone()
            assert row is not None
            connection.execute(APPEND, self._outbox.event(key, row[0]))
        self._stop.wait(chance.choice([0.001, 0.005, 0.03]))
        if chance.random() < 0.1:
            connection.rollback()
        else:
            connection.commit()


def verify(outbox: Outbox, writers: Writers) -> int:
    """Every committed event is in Kafka once, in its key's order; returns how many there are."""
    expected = {key: list(range(1, n + 1)) for key, n in writers.committed().items()}
    published = outbox.published()
    for key, numbers in expected.items():
        got = published.get(key, [])
        assert got == numbers, (
            f"key {key}: lost {sorted(set(numbers) - set(got))[:9]}, "
            f"twice {sorted(n for n in set(got) if got.count(n) > 1)[:9]}, "
            f"in order: {got == sorted(got)}"
        )
    assert set(published) == set(expected)
    return sum(map(len, expected.values()))
