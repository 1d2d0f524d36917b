"""``/api/v1/recommendations``, ``/api/v1/search`` and health."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, Header, Path, Query, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

from contracts.errors import Retryable
from contracts.event import UUID_PATTERN
from contracts.events.recommendations import Source
from contracts.ids import new_id
from serving.errors import WrongInstitution
from serving.problems import RESPONSES
from serving.recommend import CHAIN
from serving.schemas import Accepted, Chosen, Recommendation, RecommendedItem, SearchResult
from serving.search import search

if TYPE_CHECKING:
    from serving.app import Parts

ARM = "live"
"""Every learner is in one arm until an experiment runs."""

ANSWERED = Histogram("serving_answer_seconds", "Time to answer a recommendation request")
OFFERED = Counter("serving_offers_total", "Recommended items", ["source"])
DEGRADED = Counter("serving_degraded_total", "Answers that did without a part", ["part"])
OUTLET = Gauge("serving_outlet_events", "Recommendation events by fate", ["fate"])

router = APIRouter(prefix="/api/v1", responses=RESPONSES)
health = APIRouter(tags=["health"])


def _parts(
    request: Request,
    x_institution_id: Annotated[str | None, Header(description="default: the served one")] = None,
) -> Parts:
    parts: Parts = request.app.state.parts
    if x_institution_id is not None and x_institution_id != parts.settings.institution_id:
        raise WrongInstitution(
            f"this process serves institution {parts.settings.institution_id}, "
            f"not {x_institution_id}"
        )
    return parts


InParts = Annotated[Any, Depends(_parts)]
Uuid = Annotated[str, Path(pattern=UUID_PATTERN)]


@router.get("/recommendations", tags=["recommendations"])
async def recommendations(
    parts: InParts,
    later: BackgroundTasks,
    user_id: Annotated[str, Query(pattern=UUID_PATTERN, description="the learner")],
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
    course_id: Annotated[
        str | None, Query(pattern=UUID_PATTERN, description="only items of this course")
    ] = None,
    source: Annotated[
        list[Source] | None, Query(description="only these sources; default: the whole chain")
    ] = None,
) -> Recommendation:
    """What to study next, each item with its source and reason.

    Emits `recommendation.shown` for each item.
    """
    if not parts.catalogue.loaded:
        raise Retryable("the catalogue is not loaded yet: the LMS does not answer")
    with ANSWERED.time():
        answer = await parts.recommender.answer(user_id, limit, course_id, source or CHAIN)
    recommendation_id = new_id()
    catalogue = parts.catalogue
    items = [catalogue.items[offer.item_id] for offer in answer.offers]
    parts.feedback.shown(
        recommendation_id,
        user_id,
        [(offer, item.course_id) for offer, item in zip(answer.offers, items, strict=True)],
        model=answer.model,
        arm=ARM,
    )
    later.add_task(parts.feedback.remember, recommendation_id)
    for part in answer.degraded:
        DEGRADED.labels(part).inc()
    shown = []
    for position, (offer, item) in enumerate(zip(answer.offers, items, strict=True), start=1):
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
async def click(parts: InParts, recommendation_id: Uuid, body: Chosen) -> Accepted:
    """The learner followed an offer; emits `recommendation.clicked`, once per offer."""
    await parts.feedback.clicked(recommendation_id, body.item_id)
    return Accepted(recommendation_id=recommendation_id, item_id=body.item_id)


@router.post(
    "/recommendations/{recommendation_id}/dismissals",
    status_code=HTTPStatus.ACCEPTED,
    tags=["recommendations"],
)
async def dismiss(parts: InParts, recommendation_id: Uuid, body: Chosen) -> Accepted:
    """The learner said no: not offered again for some time; emits `recommendation.dismissed`."""
    await parts.feedback.dismissed(recommendation_id, body.item_id)
    return Accepted(recommendation_id=recommendation_id, item_id=body.item_id)


@router.get("/search", tags=["search"])
async def find(
    parts: InParts,
    q: Annotated[str, Query(min_length=1, max_length=500, description="in your own words")],
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> SearchResult:
    """Items whose text is nearest in meaning."""
    return SearchResult(query=q, items=await search(parts.index, parts.catalogue, q, limit))


@health.get("/health/live")
async def live() -> dict[str, str]:
    """The process runs."""
    return {"status": "live"}


@health.get("/health/ready")
async def ready(parts: InParts, response: Response) -> dict[str, Any]:
    """It can answer; `degraded` parts make answers poorer, not wrong."""
    model = parts.live.current
    problems = [parts.live.problem, None if parts.index.ready else "the semantic index is not open"]
    if not parts.catalogue.loaded:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return {
        "status": "ready" if parts.catalogue.loaded else "waiting for the LMS's catalogue",
        "courses": len(parts.catalogue.courses),
        "items": len(parts.catalogue.items),
        "indexed": parts.index.size,
        "model": None if model is None else model.name,
        "trained_until": None if model is None else model.trained_until,
        "degraded": [problem for problem in problems if problem],
        "events": {
            "published": parts.outlet.published,
            "failed": parts.outlet.failed,
            "dropped": parts.outlet.dropped,
        },
    }


@health.get("/metrics")
async def metrics(parts: InParts) -> Response:
    """For Prometheus."""
    for fate in ("published", "failed", "dropped"):
        OUTLET.labels(fate).set(getattr(parts.outlet, fate))
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
