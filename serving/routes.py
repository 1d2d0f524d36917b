"""``/api/v1/recommendations`` and ``/api/v1/search``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Path, Query
from prometheus_client import Counter, Histogram

from contracts.errors import Retryable
from contracts.event import UUID_PATTERN
from contracts.events.recommendations import Source
from contracts.ids import new_id
from gateway.errors import NotFound
from gateway.problems import RESPONSES
from serving.access import Asking, nobody, serves
from serving.feedback import Shown
from serving.recommend import CHAIN, GENERIC, Answer
from serving.relations import SELF
from serving.schemas import Accepted, Chosen, Recommendation, RecommendedItem, SearchResult
from serving.search import search

ARM = "live"
"""Every learner is in one arm until an experiment runs."""

ANSWERED = Histogram("serving_answer_seconds", "Time to answer a recommendation request")
OFFERED = Counter("serving_offers_total", "Recommended items", ["source"])
DEGRADED = Counter("serving_degraded_total", "Answers that did without a component", ["part"])

router = APIRouter(prefix="/api/v1", responses=RESPONSES)

Uuid = Annotated[str, Path(pattern=UUID_PATTERN)]


@router.get("/recommendations", tags=["recommendations"])
async def list_recommendations(
    asking: Annotated[Asking, serves("recommendation.read")],
    later: BackgroundTasks,
    user_id: Annotated[str, Query(pattern=UUID_PATTERN, description="the learner")],
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
    course_id: Annotated[
        str | None,
        Query(
            pattern=UUID_PATTERN,
            description="only items of this course; who teaches the learner names one of theirs",
        ),
    ] = None,
    source: Annotated[
        list[Source] | None, Query(description="only these sources; default: the whole chain")
    ] = None,
) -> Recommendation:
    """Recommend what to study next, each item with its source and reason.

    For the learner, their guardians, and within a course its teachers. Where the learner asks, it
    emits `recommendation.shown` for each item, unless they do not agree to
    personalization: then nothing about them is recorded, and `recommendation_id` is null.
    """
    related = await asking.related(user_id)
    sources = source or CHAIN
    if not asking.may("Learner", relations=related.relations):
        if asking.caller.kind == "anonymous":
            asking.decide("Learner", relations=())
        if not asking.may("Learner", relations=related.within(course_id)):
            raise nobody()
        # What the learner does in other courses is not in the reasons that a teacher reads.
        sources = [one for one in sources if one in GENERIC] or GENERIC
    components = asking.components
    if not components.catalogue.loaded:
        raise Retryable("the catalogue is not loaded yet: the LMS does not answer")
    with ANSWERED.time():
        try:
            answer = await components.recommender.answer(user_id, limit, course_id, sources)
        except NotFound:
            raise nobody() from None
    shown = asking.may("Learner", "recommendation.show", relations=related.relations)
    recorded = shown and answer.personalized
    recommendation_id = _shown(asking, answer, user_id) if recorded else None
    if recommendation_id is not None:
        later.add_task(components.feedback.remember, recommendation_id)
    for component in answer.degraded:
        DEGRADED.labels(component).inc()
    return _described(asking, answer, recommendation_id)


def _shown(asking: Asking, answer: Answer, user_id: str) -> str:
    """Publish the answer as shown; returns the id under which it can be clicked."""
    recommendation_id = new_id()
    items = asking.components.catalogue.items
    asking.components.feedback.shown(
        recommendation_id,
        user_id,
        [(offer, items[offer.item_id].course_id) for offer in answer.offers],
        model=answer.model,
        arm=ARM,
    )
    return recommendation_id


def _described(asking: Asking, answer: Answer, recommendation_id: str | None) -> Recommendation:
    shown = []
    for position, offer in enumerate(answer.offers, start=1):
        item = asking.components.catalogue.items[offer.item_id]
        OFFERED.labels(offer.source).inc()
        shown.append(
            RecommendedItem(
                position=position,
                item_id=item.id,
                title=item.title,
                kind=item.kind,
                course_id=item.course_id,
                course_title=item.course_title,
                source=offer.source,
                reason=offer.reason,
                score=round(offer.score, 6),
            )
        )
    return Recommendation(
        recommendation_id=recommendation_id,
        model=answer.model,
        arm=ARM,
        degraded=list(answer.degraded),
        items=shown,
    )


@router.post(
    "/recommendations/{recommendation_id}/clicks",
    status_code=HTTPStatus.ACCEPTED,
    tags=["recommendations"],
)
async def click_recommendation(
    asking: Annotated[Asking, serves("recommendation.click")],
    recommendation_id: Uuid,
    body: Chosen,
) -> Accepted:
    """Report that the learner followed an offer; emits `recommendation.clicked`, once per offer."""
    shown = await _given(asking, recommendation_id)
    await asking.components.feedback.clicked(recommendation_id, shown, body.item_id)
    return Accepted(recommendation_id=recommendation_id, item_id=body.item_id)


@router.post(
    "/recommendations/{recommendation_id}/conversions",
    status_code=HTTPStatus.ACCEPTED,
    tags=["recommendations"],
)
async def convert_recommendation(
    asking: Annotated[Asking, serves("recommendation.convert")],
    recommendation_id: Uuid,
    body: Chosen,
) -> Accepted:
    """Report that the learner finished an offer; emits `recommendation.converted`, once per offer.

    Whether a finished item had been offered is found out without this, too.
    """
    shown = await _given(asking, recommendation_id)
    await asking.components.feedback.converted(recommendation_id, shown, body.item_id)
    return Accepted(recommendation_id=recommendation_id, item_id=body.item_id)


@router.post(
    "/recommendations/{recommendation_id}/dismissals",
    status_code=HTTPStatus.ACCEPTED,
    tags=["recommendations"],
)
async def dismiss_recommendation(
    asking: Annotated[Asking, serves("recommendation.dismiss")],
    recommendation_id: Uuid,
    body: Chosen,
) -> Accepted:
    """Report that the learner does not want an offer; it is not offered again for some time. Emits
    `recommendation.dismissed`.
    """
    shown = await _given(asking, recommendation_id)
    await asking.components.feedback.dismissed(recommendation_id, shown, body.item_id)
    return Accepted(recommendation_id=recommendation_id, item_id=body.item_id)


async def _given(asking: Asking, recommendation_id: str) -> Shown:
    """The answer, for the learner it was shown to.

    Raises ``NotFound`` for others, and after the learner has withdrawn personalization: nothing
    more is recorded about them.
    """
    if asking.caller.kind == "anonymous":
        asking.decide("Learner", relations=())
    shown = await asking.components.feedback.given(recommendation_id)
    own = shown is not None and shown.user_id == asking.caller.user_id
    may = asking.may("Learner", relations=SELF.relations if own else ())
    if shown is None or not may or not await asking.components.signals.agrees(shown.user_id):
        hours = asking.components.settings.shown_hours
        raise NotFound(f"no such recommendation was shown to you in the last {hours} hours")
    return shown


@router.get("/search", tags=["search"])
async def search_catalogue(
    asking: Annotated[Asking, serves("catalogue.search")],
    q: Annotated[str, Query(min_length=1, max_length=500, description="in your own words")],
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> SearchResult:
    """Find items whose text is nearest in meaning; the same for everybody of the institution."""
    asking.decide("Institution")
    found = await search(asking.components.index, asking.components.catalogue, q, limit)
    return SearchResult(query=q, items=found)
