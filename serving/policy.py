"""Which offers make the answer: pure rules over candidate sources, without any server.

A candidate source gives its offers best first. Sources come in the order of the fallback chain
personal → course → semantic → popular. Each source first gets its share of the places, so that one
source does not crowd out the others; the places that remain go down the chain. An item that is
finished, dismissed or not published is never shown. The last source offers the whole catalogue, so
the answer is empty only when nothing is left to learn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from contracts.events.recommendations import Source

SHARES: dict[Source, float] = {"personal": 0.4, "course": 0.3, "semantic": 0.3, "popular": 0.0}
"""Of the places of one answer, rounded up."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One item from one source; ``score`` orders within its source only."""

    item_id: str
    source: Source
    reason: str
    score: float


@dataclass(frozen=True)
class CandidateSource:
    """One source's offers, best first; may be lazy."""

    source: Source
    offers: Iterable[Offer]


def choose(
    sources: Sequence[CandidateSource], allowed: Callable[[str], bool], limit: int
) -> list[Offer]:
    """At most ``limit`` different allowed offers; fewer only if the sources have fewer."""
    streams = [_Stream(source, allowed) for source in sources]
    taken: set[str] = set()
    first: dict[Source, list[Offer]] = {}
    room = limit
    for stream in streams:
        share = min(room, math.ceil(SHARES[stream.source] * limit))
        first[stream.source] = stream.take(share, taken)
        room -= len(first[stream.source])
    more: list[Offer] = []
    for stream in streams:
        more += stream.take(room - len(more), taken)
    chosen = [offer for stream in streams for offer in first[stream.source]]
    return chosen + more


class _Stream:
    def __init__(self, candidates: CandidateSource, allowed: Callable[[str], bool]) -> None:
        self.source = candidates.source
        self._offers: Iterator[Offer] = iter(candidates.offers)
        self._allowed = allowed

    def take(self, count: int, taken: set[str]) -> list[Offer]:
        found: list[Offer] = []
        while len(found) < count:
            offer = next(self._offers, None)
            if offer is None:
                break
            if offer.item_id not in taken and self._allowed(offer.item_id):
                taken.add(offer.item_id)
                found.append(offer)
        return found
