"""Which events an address can ask for: all but the stream of clicks."""

from __future__ import annotations

from contracts.errors import Rejected
from contracts.event import EVENTS, Event
from contracts.topics import CONTENT, RECOMMENDATIONS

_OF_THE_STREAM = ("content.completed", "forum.posted")
"""Of the topics of clicks these are rare enough to be delivered one by one."""


def deliverable() -> tuple[type[Event], ...]:
    """Every event that is delivered. Views, plays and impressions are thousands a second in an
    import: whoever wants those reads Kafka.
    """
    return tuple(
        event
        for type_, event in EVENTS.items()
        if event.TOPIC not in (CONTENT, RECOMMENDATIONS) or type_ in _OF_THE_STREAM
    )


def family(event_type: str) -> str:
    """``order.paid`` belongs to ``order.*``."""
    return f"{event_type.partition('.')[0]}.*"


def names(event_type: str) -> list[str]:
    """All by which an address may ask for it."""
    return [event_type, family(event_type), "*"]


def check(wanted: list[str]) -> list[str]:
    """Sorted, each once; raises ``Rejected`` for what would never be delivered."""
    types = {event.TYPE for event in deliverable()}
    known = {"*", *types, *map(family, types)}
    for one in wanted:
        if one not in known:
            raise Rejected(
                f"event_types: {one} is not delivered; there is {', '.join(sorted(types))}, each "
                "also as noun.*, and *"
            )
    return sorted(set(wanted))
