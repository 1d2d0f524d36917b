"""The API of a learner's page: their offers, their last activity, and study that changes both.

The LMS and serving decide who may see and do this, by the caller's token. Nothing is stored here.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict

from dashboards.web.behind import Behind
from dashboards.web.poller import titles
from dashboards.web.visit import NOBODY, Visit, about_a_learner, visits
from gateway.errors import NotFound, Relayed
from gateway.problems import RESPONSES

router = APIRouter(prefix="/api/v1", tags=["for you"], responses=RESPONSES)


class Reaction(BaseModel):
    """What the learner did with one item of an answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "recommendation_id": "01932f1c-5b7a-7c3e-9a51-0c6a2f9b7d10",
                "item_id": "3f0b6c1e-8d2a-3c55-9f0e-2b7a4d1c6e90",
                "reaction": "clicks",
            }
        }
    )

    recommendation_id: UUID
    item_id: UUID
    reaction: Literal["clicks", "dismissals"]


class Study(BaseModel):
    """The learner opens or finishes an item."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "course_id": "7c9e6679-7425-30de-944b-e07fc1f90ae7",
                "item_id": "3f0b6c1e-8d2a-3c55-9f0e-2b7a4d1c6e90",
                "event_type": "content.completed",
            }
        }
    )

    course_id: UUID
    item_id: UUID
    event_type: Literal["content.viewed", "content.completed"]


@router.get("/learners")
async def list_recent_learners(
    visit: Annotated[Visit, visits("learner-page.list")],
) -> dict[str, Any]:
    """List who studied or joined lately, of those you may see."""
    visit.decide("Institution")
    answer = await visit.web.lms.ask("GET", "/analytics/learners", await visit.token())
    return {"learners": answer.json()["items"]}


@router.get("/learners/{learner_id}")
async def get_learner(
    visit: Annotated[Visit, visits("learner-page.read")], learner_id: UUID
) -> dict[str, Any]:
    """Read who a learner is and the last dozen things they did, newest first."""
    visit.decide("Institution")
    path = f"/users/{learner_id}/activity"
    answer = await _about(visit.web.lms, "GET", path, await visit.token())
    body: dict[str, Any] = answer.json()
    itself = str(learner_id) == visit.caller.user_id
    return body | {"itself": itself, "names": titles(body["names"])}


@router.get("/learners/{learner_id}/recommendations")
async def list_recommendations(
    visit: Annotated[Visit, visits("learner-page.offers")],
    learner_id: UUID,
    limit: Annotated[int, Query(ge=1, le=50)] = 6,
    acting: Annotated[bool, Query(description="as the learner, in the local demo")] = False,
) -> Response:
    """Recommend what to study next; for who teaches the learner, within one of their courses."""
    visit.decide("Institution")
    token = await (visit.acting(learner_id) if acting else visit.token())
    params = {"user_id": str(learner_id), "limit": str(limit)}
    try:
        answer = await _about(visit.web.serving, "GET", "/recommendations", token, params=params)
    except NotFound:
        params["course_id"] = await _a_course_taught(visit, learner_id, token)
        answer = await _about(visit.web.serving, "GET", "/recommendations", token, params=params)
    return _same(answer)


@router.get("/search")
async def search_catalogue(
    visit: Annotated[Visit, visits("learner-page.search")],
    q: Annotated[str, Query(min_length=1, max_length=200)],
) -> Response:
    """Find items whose text is nearest in meaning."""
    visit.decide("Institution")
    return _same(
        await visit.web.serving.ask("GET", "/search", await visit.token(), params={"q": q})
    )


@router.post("/learners/{learner_id}/reactions", status_code=HTTPStatus.ACCEPTED)
async def record_reaction(
    visit: Annotated[Visit, visits("learner-page.react")], learner_id: UUID, body: Reaction
) -> Response:
    """Report that the learner followed an offer, or said no."""
    visit.decide("Institution")
    path = f"/recommendations/{body.recommendation_id}/{body.reaction}"
    token = await visit.acting(learner_id)
    about = {"item_id": str(body.item_id)}
    return _same(await visit.web.serving.ask("POST", path, token, json=about))


@router.post("/learners/{learner_id}/events", status_code=HTTPStatus.CREATED)
async def record_study(
    visit: Annotated[Visit, visits("learner-page.study")], learner_id: UUID, body: Study
) -> Response:
    """Open or finish an item as the learner, after enrolling them in its course where needed."""
    visit.decide("Institution")
    lms, token = visit.web.lms, await visit.acting(learner_id)
    course = f"/courses/{body.course_id}"
    mine = await lms.ask("GET", f"/users/{learner_id}/enrollments", token, params={"limit": "200"})
    if not _is_in(mine.json()["items"], str(body.course_id)):
        about = {"user_id": str(learner_id)}
        await lms.ask("POST", f"{course}/enrollments", token, json=about)
    event = {"user_id": str(learner_id), "event_type": body.event_type}
    return _same(await lms.ask("POST", f"{course}/items/{body.item_id}/events", token, json=event))


async def _a_course_taught(visit: Visit, learner_id: UUID, token: str) -> str:
    """A course in which the caller teaches the learner; raises ``NotFound`` where there is none."""
    answer = await _about(visit.web.lms, "GET", f"/users/{learner_id}/relations", token)
    courses: list[str] = answer.json()["courses"]
    if not courses:
        raise NotFound(NOBODY)
    return courses[0]


async def _about(behind: Behind, method: str, path: str, token: str, **more: Any) -> httpx.Response:
    try:
        return await behind.ask(method, path, token, **more)
    except Relayed as refused:
        raise about_a_learner(refused) from None


def _is_in(enrollments: list[dict[str, Any]], course_id: str) -> bool:
    return any(
        row["course_id"] == course_id and row["status"] in ("enrolled", "completed")
        for row in enrollments
    )


def _same(answer: httpx.Response) -> Response:
    return Response(answer.content, status_code=answer.status_code, media_type="application/json")
