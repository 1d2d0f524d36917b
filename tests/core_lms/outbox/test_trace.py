"""The trace of an event reaches whoever reads it from Kafka."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest
from confluent_kafka import TopicPartition

from contracts.history import is_history
from contracts.ids import new_id
from contracts.topics import CONTENT
from core_lms.outbox import APPEND
from gateway.telemetry import tracing
from stack import kafka

pytestmark = pytest.mark.integration

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_an_event_written_in_a_trace_has_its_name_as_a_kafka_header(outbox: Any) -> None:
    traced, plain = new_id(), new_id()
    with outbox.connect(autocommit=True) as connection:
        with tracing.span("request", traceparent=TRACEPARENT):
            connection.execute(APPEND, outbox.event(traced, 1))
        connection.execute(APPEND, outbox.event(plain, 1))
    with outbox.relaying():
        headers = headers_by_key(outbox, {traced, plain})
    assert headers == {traced: [("traceparent", TRACEPARENT.encode())], plain: None}
    assert tracing.of_message(headers[traced]) == TRACEPARENT


def test_an_event_that_tells_of_the_past_says_so_in_a_kafka_header(outbox: Any) -> None:
    past, now = new_id(), new_id()
    with outbox.connect(autocommit=True) as connection:
        connection.execute(APPEND, outbox.event(past, 1, history=True))
        connection.execute(APPEND, outbox.event(now, 1))
    with outbox.relaying():
        headers = headers_by_key(outbox, {past, now})
    assert headers == {past: [("history", b"1")], now: None}
    assert is_history(headers[past])
    assert not is_history(headers[now])


def headers_by_key(outbox: Any, keys: set[str]) -> dict[str, Any]:
    consumer = kafka.consumer(f"test-{new_id()}")
    consumer.assign([TopicPartition(CONTENT.name, p, at) for p, at in outbox.start.items()])
    found: dict[str, Any] = {}
    deadline = time.monotonic() + 60
    while found.keys() != keys:
        assert time.monotonic() < deadline
        message = consumer.poll(0.5)
        if message is None or message.error() is not None:
            continue
        payload = orjson.loads(message.value())["payload"]
        if payload["user_id"] in keys:
            found[payload["user_id"]] = message.headers()
    consumer.close()
    return found
