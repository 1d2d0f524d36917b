"""What was shown and what learners did with it: events to Kafka, and the memory they refer to."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import redis.exceptions
from confluent_kafka import KafkaError, Message, Producer
from redis import asyncio as redis_asyncio

from contracts.envelope import Envelope, wrap
from contracts.event import Event
from contracts.events.recommendations import (
    RecommendationClicked,
    RecommendationConverted,
    RecommendationDismissed,
    RecommendationShown,
    Source,
)
from contracts.ids import named_id
from gateway.errors import NotFound
from gateway.remembered import Remembered
from serving.policy import Offer
from serving.settings import ServingSettings
from serving.signals import dismissed_key
from stack import kafka

SOURCE_SERVICE = "serving"
_QUEUE = 100_000
_REMEMBERED = 10_000

log = logging.getLogger("serving")


class Outlet:
    """An idempotent producer that never delays an answer; it counts the events it loses."""

    def __init__(self) -> None:
        self._producer: Producer = kafka.producer(
            **{
                "queue.buffering.max.messages": _QUEUE,
                "message.timeout.ms": 300_000,
                "log_level": 2,  # delivery reports log a broker that is away
            }
        )
        self._stop = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="kafka-outlet", daemon=True)
        self._poller.start()
        self.published = 0
        self.failed = 0
        self.dropped = 0

    def send(self, envelope: Envelope) -> None:
        try:
            self._producer.produce(
                envelope.topic,
                key=envelope.key,
                value=envelope.encode(),
                on_delivery=self._delivered,
            )
        except BufferError:
            self.dropped += 1

    def close(self, timeout_s: float = 5.0) -> int:
        """Publish the queue; returns how many events are not published after ``timeout_s``."""
        self._stop.set()
        self._poller.join()
        return self._producer.flush(timeout_s)

    def _poll(self) -> None:
        while not self._stop.is_set():
            self._producer.poll(0.1)

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.published += 1
        else:
            self.failed += 1
            log.warning("a recommendation event was not published: %s", error)


@dataclass(frozen=True, slots=True)
class Shown:
    """One answer as it was shown: item → position, item → source."""

    user_id: str
    positions: dict[str, int]
    # Answers remembered before these were known lack them.
    sources: dict[str, Source] = field(default_factory=dict)
    model: str | None = None
    arm: str | None = None


class Feedback:
    """Publishes what was shown, and what the learner did with it."""

    def __init__(
        self, outlet: Outlet, client: redis_asyncio.Redis, settings: ServingSettings
    ) -> None:
        self._outlet = outlet
        self._redis = client
        self._settings = settings
        self._shown = Remembered[str, Shown](_REMEMBERED)

    def shown(
        self,
        recommendation_id: str,
        user_id: str,
        offers: Sequence[tuple[Offer, str]],
        *,
        model: str,
        arm: str,
    ) -> None:
        """Publish an answer as shown, (offer, course id) by position. Never waits."""
        positions, sources = {}, {}
        for position, (offer, course_id) in enumerate(offers, start=1):
            positions[offer.item_id] = position
            sources[offer.item_id] = offer.source
            event = RecommendationShown(
                recommendation_id=recommendation_id,
                user_id=user_id,
                item_id=offer.item_id,
                course_id=course_id,
                position=position,
                source=offer.source,
                model=model,
                arm=arm,
                propensity=1.0,  # the policy is deterministic
                score=max(-1e9, min(1e9, offer.score)),  # what the contract takes
                reason=offer.reason[:200] or None,
            )
            self._send(event, recommendation_id, offer.item_id)
        self._shown.put(recommendation_id, Shown(user_id, positions, sources, model, arm))

    def forget(self, user_id: str) -> None:
        """Drop what this process remembers of the offers that a person was shown."""
        for recommendation_id in [
            id_ for id_, shown in self._shown.items() if shown.user_id == user_id
        ]:
            self._shown.forget(recommendation_id)

    async def remember(self, recommendation_id: str) -> None:
        """Keep an answer in Redis too, for a restarted or another process."""
        shown = self._shown.get(recommendation_id)
        if shown is not None:
            try:
                await self._redis.set(
                    _shown_key(recommendation_id),
                    json.dumps(asdict(shown)),
                    ex=self._settings.shown_hours * 3600,
                )
            except (redis.exceptions.RedisError, OSError) as error:
                log.debug("an answer is remembered in this process only: %s", error)

    async def given(self, recommendation_id: str) -> Shown | None:
        """An answer that was shown in the last ``shown_hours``."""
        return self._shown.get(recommendation_id) or await self._recall(recommendation_id)

    async def clicked(self, recommendation_id: str, shown: Shown, item_id: str) -> None:
        """Publish that the learner followed an offer. Raises ``NotFound``."""
        fields = _of(recommendation_id, shown, item_id)
        self._send(RecommendationClicked(**fields), recommendation_id, item_id)

    async def converted(self, recommendation_id: str, shown: Shown, item_id: str) -> None:
        """Publish that the learner finished what was offered. Raises ``NotFound``."""
        fields = _of(recommendation_id, shown, item_id)
        self._send(RecommendationConverted(**fields), recommendation_id, item_id)

    async def dismissed(self, recommendation_id: str, shown: Shown, item_id: str) -> None:
        """Publish a dismissal; the item is not offered to this learner again for some time."""
        fields = _of(recommendation_id, shown, item_id)
        key = dismissed_key(shown.user_id)
        until = time.time() + self._settings.dismissed_days * 86_400
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.zremrangebyscore(key, "-inf", time.time())
            pipe.zadd(key, {item_id: until})
            pipe.expireat(key, int(until) + 1)
            await pipe.execute()
        self._send(RecommendationDismissed(**fields), recommendation_id, item_id)

    async def _recall(self, recommendation_id: str) -> Shown | None:
        stored = await self._redis.get(_shown_key(recommendation_id))
        return None if stored is None else Shown(**json.loads(stored))

    def _send(self, event: Event, recommendation_id: str, item_id: str) -> None:
        # A named id: a second click on the same offer is the same event, stored once.
        event_id = named_id("recommendation", event.TYPE, recommendation_id, item_id)
        self._outlet.send(
            wrap(
                event,
                institution_id=self._settings.institution_id,
                source_service=SOURCE_SERVICE,
                event_id=event_id,
            )
        )


def _of(recommendation_id: str, shown: Shown, item_id: str) -> dict[str, Any]:
    if item_id not in shown.positions:
        raise NotFound(f"recommendation {recommendation_id} did not offer item {item_id}")
    return {
        "recommendation_id": recommendation_id,
        "user_id": shown.user_id,
        "item_id": item_id,
        "position": shown.positions[item_id],
        "source": shown.sources.get(item_id),
        "model": shown.model,
        "arm": shown.arm,
    }


def _shown_key(recommendation_id: str) -> str:
    return f"learnstream:shown:{recommendation_id}"
