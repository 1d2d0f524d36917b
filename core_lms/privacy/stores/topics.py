"""Kafka: every message that its topics still hold, key and value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from core_lms.privacy.stores.trace import Trace, Wanted
from stack import kafka
from stack.kafka import KafkaSettings


def search(wanted: Wanted) -> Iterator[Trace]:
    """By topic: how many messages name the person, and when the last of them goes."""
    admin = kafka.admin()
    topics = [name for name in admin.list_topics(timeout=30).topics if not name.startswith("__")]
    counts: Counter[str] = Counter()
    newest: dict[str, int] = {}
    places = kafka.places(*sorted(topics), client=admin)
    for messages in kafka.remaining(dict.fromkeys(places, 0)):
        for message in messages:
            if _names(message, wanted):
                topic = message.topic() or ""
                counts[topic] += 1
                newest[topic] = max(newest.get(topic, 0), message.timestamp()[1])
    for topic, count in sorted(counts.items()):
        yield Trace("kafka", topic, count, _until(newest[topic]))


def _names(message: Any, wanted: Wanted) -> bool:
    headers = message.headers() or ()
    return any(
        map(wanted.within, (message.key(), message.value(), *(value for _, value in headers)))
    )


def _until(newest_ms: int) -> str | None:
    kept = KafkaSettings().kept_for()
    if kept is None:
        return None
    at = datetime.fromtimestamp(newest_ms / 1000, UTC) + kept
    return f"until {at:%F} at the latest (LMS_KAFKA_RETENTION_DAYS)"
