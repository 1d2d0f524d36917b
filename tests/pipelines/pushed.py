"""Feature rows pushed into the store, as the derivation and the pusher would do it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from contracts.topics import FEATURES
from pipelines.derive.engine import Engine
from pipelines.derive.features import FeaturePublisher
from stack import kafka
from tests.topics import ends

if TYPE_CHECKING:
    from features.push import Pusher


def push(engine: Engine, others: Sequence[Any] = (), pusher: Pusher | None = None) -> int:
    """Publish what is due and push it, with ``others`` of the messages the pusher reads."""
    # With these comes Feast, which takes seconds: no lane imports it to collect tests.
    from features import registration
    from features.push import Pusher

    before = ends(FEATURES.name)
    publisher = FeaturePublisher()
    while publisher.publish(engine.connection):
        pass
    registration.prepare()
    pusher = pusher or Pusher(kafka.producer())
    return pusher.write([*others, *since(before)])


def since(places: dict[tuple[str, int], int]) -> list[Any]:
    """The messages from these offsets on."""
    return [message for messages in kafka.remaining(places) for message in messages]
