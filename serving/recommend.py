"""One answer: read the learner's signals, ask the candidate sources, choose the items."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from contracts.events.recommendations import Source
from gateway.breaker import Breaker
from serving import candidates
from serving.catalogue import Catalogue
from serving.model import LiveModel
from serving.policy import CandidateSource, Offer, choose
from serving.popularity import Popularity
from serving.semantic import SemanticIndex
from serving.settings import ServingSettings
from serving.signals import SignalReader, Signals, attempt

log = logging.getLogger("serving")

NO_MODEL = "none"
CHAIN: tuple[Source, ...] = ("personal", "course", "semantic", "popular")
GENERIC: tuple[Source, ...] = ("course", "popular")
"""What needs no consent: the order of one's own courses, and what many opened."""
FOR_EVERYBODY = "not personal: you have not agreed to that"


@dataclass(frozen=True)
class Answer:
    """The chosen offers in order, who ranked them, and which components were missing."""

    offers: Sequence[Offer]
    model: str
    degraded: tuple[str, ...]
    personalized: bool = True
    """Whether the learner agrees to offers chosen from what they did; else nothing is recorded."""


class Recommender:
    """Makes answers from signals, catalogue, model, popularity and semantic index."""

    def __init__(
        self,
        signals: SignalReader,
        catalogue: Catalogue,
        live: LiveModel,
        popularity: Popularity,
        index: SemanticIndex,
        settings: ServingSettings,
    ) -> None:
        self._signals = signals
        self._catalogue = catalogue
        self._live = live
        self._popularity = popularity
        self._index = index
        self._timeout_s = settings.semantic_timeout_s
        self._breaker = Breaker(settings.cooldown_s)

    async def answer(
        self,
        user_id: str,
        limit: int,
        course_id: str | None = None,
        sources: Collection[Source] = CHAIN,
    ) -> Answer:
        """At most ``limit`` items for a learner, of one course or all.

        Raises ``NotFound`` for an unknown learner.
        """
        signals = await self._signals.read(user_id)
        if not signals.personalized:
            return self._generic(signals, limit, course_id, sources)
        model = self._live.current
        missing = list(signals.missing)
        found: list[CandidateSource] = []
        if model is None:
            missing.append("model")
        elif "personal" in sources:
            try:
                ranked = await candidates.rank(model, signals, self._signals)
            except Exception:  # a broken model makes answers poorer, never fails them
                log.exception("%s cannot rank", model.name)
                missing.append("model")
            else:
                if ranked is not None:
                    found.append(candidates.personal(model, ranked, self._catalogue))
                elif "redis" not in missing:
                    missing.append("redis")
        if "course" in sources:
            found.append(candidates.course(signals, self._catalogue))
        if "semantic" in sources:
            step = candidates.semantic(signals, self._catalogue, self._index)
            semantic = await attempt(self._breaker, step, self._timeout_s)
            if semantic is None or not self._index.ready:
                missing.append("semantic")
            if semantic is not None:
                found.append(semantic)
        if "popular" in sources:
            found.append(candidates.popular(signals, self._catalogue, self._popularity))
        return Answer(
            choose(found, allowed(signals, self._catalogue, course_id), limit),
            NO_MODEL if model is None else model.name,
            tuple(missing),
        )

    def _generic(
        self, signals: Signals, limit: int, course_id: str | None, sources: Collection[Source]
    ) -> Answer:
        """For a learner who has not agreed to personal offers; each reason says so."""
        wanted = [source for source in GENERIC if source in sources] or GENERIC
        found: list[CandidateSource] = []
        if "course" in wanted:
            found.append(candidates.course(signals, self._catalogue))
        if "popular" in wanted:
            found.append(candidates.popular(signals, self._catalogue, self._popularity))
        offers = choose(found, allowed(signals, self._catalogue, course_id), limit)
        marked = [replace(offer, reason=f"{offer.reason} ({FOR_EVERYBODY})") for offer in offers]
        return Answer(marked, NO_MODEL, signals.missing, personalized=False)


def allowed(signals: Signals, catalogue: Catalogue, course_id: str | None) -> Callable[[str], bool]:
    """Whether an item may be shown: published, of the course asked for, not finished, no "no"."""

    def may(item_id: str) -> bool:
        item = catalogue.items.get(item_id)
        return (
            item is not None
            and item_id not in signals.finished
            and item_id not in signals.dismissed
            and (course_id is None or item.course_id == course_id)
        )

    return may
