"""The four candidate sources: each turns signals into offers with a true reason, best first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

import numpy as np

from features.recommender.candidates import gather
from serving.catalogue import Catalogue, Course, Item
from serving.model import Model, Ranked
from serving.policy import CandidateSource, Offer
from serving.popularity import Popularity
from serving.semantic import SemanticIndex
from serving.signals import SignalReader, Signals

ANCHORS = 3
"""How many of the recent items with text are searched for neighbours."""
NEIGHBOURS = 24
MIN_SIMILARITY = 0.35
"""Below this cosine two texts have little to do with each other."""


async def rank(model: Model, signals: Signals, reader: SignalReader) -> Ranked | None:
    """The model's candidates for this learner, with their probabilities.

    None while Redis is away: without the learner's last items there is nothing to go on from.
    """
    recent = model.known(signals.recent)
    gone = signals.finished | signals.dismissed | set(signals.recent)
    found = gather(model.tables, recent, model.known(gone))
    windows = await reader.windows(signals.user_id, [model.tables.item_ids[i] for i in found.items])
    return None if windows is None else model.rank(recent, found, windows.learner, windows.items)


def personal(model: Model, ranked: Ranked, catalogue: Catalogue) -> CandidateSource:
    """What others opened after the learner's recent items, ranked by the model."""

    def offers() -> Iterator[Offer]:
        ids = model.tables.item_ids
        for place in np.argsort(-ranked.scores, kind="stable"):
            anchor = int(ranked.candidates.anchors[place])
            because = catalogue.items.get(ids[anchor]) if anchor >= 0 else None
            if because is not None:
                yield Offer(
                    ids[ranked.candidates.items[place]],
                    "personal",
                    f"Because you studied «{because.title}»",
                    float(ranked.scores[place]),
                )

    return CandidateSource("personal", offers())


def course(signals: Signals, catalogue: Catalogue) -> CandidateSource:
    """Next items of the learner's courses: two of the last studied, one of each other, the rest."""
    place = {item_id: rank for rank, item_id in enumerate(signals.recent)}

    def last_touched(course: Course) -> int:
        return min((place[item.id] for item in course.items if item.id in place), default=10**6)

    mine = [
        catalogue.courses[course_id]
        for course_id in signals.enrolled
        if course_id in catalogue.courses
    ]
    mine.sort(key=last_touched)

    streams = [_next_in(found, signals, place) for found in mine]

    def offers() -> Iterator[Offer]:
        for nth, stream in enumerate(streams):
            yield from islice(stream, 2 if nth == 0 else 1)
        for stream in streams:
            yield from stream

    return CandidateSource("course", offers())


def _next_in(course: Course, signals: Signals, place: Mapping[str, int]) -> Iterator[Offer]:
    """Unfinished items: first those after the newest one opened, then those left behind."""
    touched = [i for i, item in enumerate(course.items) if item.id in place]
    newest = min(touched, key=lambda i: place[course.items[i].id], default=-1)
    order = [*range(newest + 1, len(course.items)), *range(newest + 1)]
    left = [i for i in order if course.items[i].id not in signals.finished]
    begun = newest >= 0 or len(left) < len(course.items)
    for step, i in enumerate(left):
        if course.items[i].id in place:
            reason = f"You opened this in «{course.title}» and have not finished it"
        elif i <= newest:
            reason = f"Left behind in «{course.title}»"
        elif step > 0:
            reason = f"Coming up in «{course.title}»"
        elif begun:
            reason = f"Next in «{course.title}»"
        else:
            reason = f"The beginning of «{course.title}», where you are enrolled"
        yield Offer(course.items[i].id, "course", reason, 1 / (1 + step))


async def semantic(signals: Signals, catalogue: Catalogue, index: SemanticIndex) -> CandidateSource:
    """Items whose text is close to a recent item's; other courses than the learner's first."""
    anchors = [
        catalogue.items[item_id]
        for item_id in signals.recent
        if item_id in catalogue.items and catalogue.items[item_id].has_text
    ][:ANCHORS]
    best: dict[str, Offer] = {}
    for anchor in anchors:
        for item_id, similarity in await index.neighbours(anchor.id, NEIGHBOURS):
            known = best.get(item_id)
            if similarity >= MIN_SIMILARITY and (known is None or similarity > known.score):
                reason = f"Similar to «{anchor.title}», which you studied"
                best[item_id] = Offer(item_id, "semantic", reason, similarity)
    recent, enrolled = set(signals.recent), set(signals.enrolled)
    offers = [
        offer
        for offer in best.values()
        if offer.item_id not in recent and offer.item_id in catalogue.items
    ]

    def order(offer: Offer) -> tuple[bool, float]:
        return catalogue.items[offer.item_id].course_id in enrolled, -offer.score

    return CandidateSource("semantic", sorted(offers, key=order))


def popular(signals: Signals, catalogue: Catalogue, popularity: Popularity) -> CandidateSource:
    """The whole catalogue: own courses first, then items that say what they are, by views.

    Of items that nobody has opened, each course's first comes before any course's second.
    """
    enrolled, recent = set(signals.enrolled), set(signals.recent)

    def worth(item: Item) -> tuple[bool, bool, bool, int, int]:
        return (
            item.id in recent,
            item.course_id not in enrolled,
            not item.has_text,
            -popularity.views.get(item.id, 0),
            item.position,
        )

    def offers() -> Iterator[Offer]:
        for item in sorted(catalogue.items.values(), key=worth):
            yield _popular(item, popularity.views.get(item.id, 0))

    return CandidateSource("popular", offers())


def _popular(item: Item, views: int) -> Offer:
    if views == 0:
        return Offer(item.id, "popular", f"Part of «{item.course_title}», not finished yet", 0.0)
    times = "once" if views == 1 else f"{views:,} times"
    reason = f"Opened {times} by learners of «{item.course_title}»"
    return Offer(item.id, "popular", reason, float(views))
