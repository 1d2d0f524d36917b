"""The whole way: Kafka, the inbox process, a receiver; with the process killed in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from contracts.envelope import wrap
from contracts.events.users import UserUpdated
from stack import kafka
from stack.profile import REPOSITORY
from tests.ports import free_port
from tests.waiting import until

pytestmark = pytest.mark.integration

MESSAGES = 40


@pytest.fixture
def inbox(hooks: Any) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts the consumer and the sender of webhooks as the product runs them."""
    processes: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        port = free_port()
        environment = {
            **os.environ,
            "LMS_INBOX_ONLY": "webhooks.enqueue,webhooks.send",
            "LMS_INBOX_BATCH": "5",
            "LMS_HTTP_INBOX_PORT": str(port),
            "LMS_WEBHOOKS_TIMEOUT_S": "1",
        }
        command = [sys.executable, "-m", "core_lms.inbox"]
        processes.append(subprocess.Popen(command, cwd=REPOSITORY, env=environment))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


def test_every_event_arrives_though_the_process_is_killed(
    hooks: Any, inbox: Callable[[], subprocess.Popen[bytes]]
) -> None:
    path = hooks.path("/ok")
    webhook = hooks.made(path, "user.updated")
    process = inbox()
    places = "SELECT FROM inbox_offsets WHERE consumer = 'webhooks.enqueue' AND topic = %s"
    until(
        lambda: (
            hooks.lms.database.execute(places, [UserUpdated.TOPIC.name]).rowcount
            == kafka.KafkaSettings().partitions
        ),
        "the consumer has its place in every partition",
    )
    people = [hooks.lms.user() for _ in range(8)]
    sent = send(hooks.lms.institution_id, people, MESSAGES)
    until(lambda: len(hooks.receiver.seen(path)) >= 5, "the first messages")
    process.send_signal(signal.SIGKILL)
    process.wait()
    hooks.lms.database.execute(  # the leases of the dead process, which would end by themselves
        "UPDATE webhook_deliveries SET next_attempt_at = now() WHERE webhook_id = %s",
        [webhook["id"]],
    )
    process = inbox()
    until(lambda: sent <= seen(hooks, path), "all messages")
    assert seen(hooks, path) == sent
    until(
        lambda: len(hooks.deliveries(webhook, status="delivered", limit=200)) == MESSAGES,
        "all written down",
    )
    process.terminate()
    assert process.wait(30) in (0, -signal.SIGTERM)


def send(institution_id: str, people: list[str], count: int) -> set[str]:
    """Events about these people into Kafka, committed; returns their ids."""
    producer = kafka.producer()
    ids = set()
    for number in range(count):
        user_id = people[number % len(people)]
        event = UserUpdated(user_id=user_id, role="student", status="active")
        made = wrap(event, institution_id=institution_id, source_service="test")
        producer.produce(made.topic, made.encode(), made.key)
        ids.add(made.event_id)
    assert producer.flush(30) == 0
    return ids


def seen(hooks: Any, path: str) -> set[str]:
    return {message["headers"]["webhook-id"] for message in hooks.receiver.seen(path)}
