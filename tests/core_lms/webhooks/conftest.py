"""A receiver process, webhooks that point at it, and a sender with a clock of its own."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.envelope import decode
from contracts.event import EVENTS
from contracts.ids import new_id
from core_lms.units import transaction
from core_lms.webhooks.consumers.enqueue import handle, interest
from core_lms.webhooks.sending import Sender
from core_lms.webhooks.settings import WebhookSettings
from gateway.caller import service as our
from stack.postgres import PostgresSettings, pool


@dataclass
class Receiver:
    """The receiver's side."""

    url: str

    def seen(self, path: str) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}/seen{path}", timeout=5) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    program = Path(__file__).with_name("receiver.py")
    process = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield Receiver(f"http://127.0.0.1:{int(process.stdout.readline())}")
    process.kill()
    process.wait()
    process.stdout.close()


@dataclass
class Hooks:
    """Webhooks of one institution; ``later`` moves the sender's clock."""

    lms: Any
    receiver: Receiver
    later: timedelta = timedelta()

    def path(self, kind: str) -> str:
        """A path nobody else uses."""
        return f"{kind}/{new_id()}"

    def made(self, path: str, *event_types: str) -> dict[str, Any]:
        body = {"url": f"{self.receiver.url}{path}", "event_types": [*event_types] or ["*"]}
        webhook: dict[str, Any] = self.lms.made("/webhooks", body)
        return webhook

    def get(self, webhook: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.lms.get(f"/webhooks/{webhook['id']}").json()
        return found

    def deliveries(self, webhook: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
        path = f"/webhooks/{webhook['id']}/deliveries"
        found: list[dict[str, Any]] = self.lms.get(path, **params).json()["items"]
        return found

    def deliver(self, *messages: dict[str, Any]) -> None:
        """Hand the events in the outbox, or these messages, to the consumer as the inbox does."""
        delivered = [*messages] or self.lms.events()

        async def run() -> None:
            async with pool(PostgresSettings().app_url) as database:
                for message in delivered:
                    topic = self._topic(message)
                    envelope = decode(topic, json.dumps(message).encode())
                    caller = our("webhooks.enqueue", envelope.institution_id)
                    async with transaction(database, caller) as unit:
                        if (await interest(unit))(envelope):
                            await handle(unit, envelope)

        asyncio.run(run())

    def _topic(self, message: dict[str, Any]) -> str:
        return EVENTS[message["event_type"]].TOPIC.name

    def send(self, **settings: Any) -> int:
        """Send what is due at the clock; returns how many attempts at this institution's that was.

        Other tests' webhooks may be due as well.
        """
        before = self._attempts()

        async def run() -> None:
            async with pool(PostgresSettings().app_url) as database:
                values = {"allow_private": True, "timeout_s": 1.0, **settings}
                sender = Sender(
                    database,
                    WebhookSettings(**values),
                    lambda: datetime.now(UTC) + self.later,
                    random.Random(7),
                )
                try:
                    await sender.all_due()
                finally:
                    await sender.close()

        asyncio.run(run())
        return self._attempts() - before

    def _attempts(self) -> int:
        row = self.lms.database.execute(
            "SELECT coalesce(sum(attempts), 0) FROM webhook_deliveries WHERE institution_id = %s",
            [self.lms.institution_id],
        ).fetchone()
        return int(row[0])


@pytest.fixture
def hooks(lms: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hooks]:
    monkeypatch.setenv("LMS_WEBHOOKS_ALLOW_PRIVATE", "true")
    yield Hooks(lms, receiver)
    # Nobody else's sender is to meet what this test left.
    lms.database.execute("DELETE FROM webhooks WHERE institution_id = %s", [lms.institution_id])
