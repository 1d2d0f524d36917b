"""For you: a learner's recommendations, what they did last, and studying an item to see both move.

The page talks to this process only; it passes questions on to serving and to the LMS. Nothing is
remembered here.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from contracts.errors import Rejected, Retryable
from dashboards.web.board import Board

router = APIRouter(prefix="/api/v1", tags=["for you"])

_QUERIES = Path(__file__).parent / "queries"
_RECENT = (_QUERIES / "learners.sql").read_text(encoding="utf-8")
_ACTIVITY = (_QUERIES / "learner_activity.sql").read_text(encoding="utf-8")


class Reaction(BaseModel):
    """What the learner did with one item of an answer."""

    recommendation_id: UUID
    item_id: UUID
    reaction: Literal["clicks", "dismissals"]


class Study(BaseModel):
    """The learner opens or finishes an item."""

    course_id: UUID
    item_id: UUID
    event_type: Literal["content.viewed", "content.completed"]


@router.get("/learners")
async def recent(request: Request) -> Response:
    """Who studied or joined lately; a name only where the account is invented."""
    columns, rows = await _board(request).query(_RECENT)
    learners = [dict(zip(columns, row, strict=True)) for row in rows]
    names = _board(request).names
    known = await asyncio.gather(*(names.of_person(learner["id"]) for learner in learners))
    named = [{**learner, "name": name} for learner, name in zip(learners, known, strict=True)]
    return _json({"learners": named})


@router.get("/learners/{learner_id}")
async def one(request: Request, learner_id: UUID) -> Response:
    """Who it is and the last dozen things they did, newest first."""
    board = _board(request)
    columns, rows = await board.query(_ACTIVITY, {"learner_id": learner_id})
    return _json(
        {
            "id": learner_id,
            "name": await board.names.of_person(learner_id),
            "activity": [dict(zip(columns, row, strict=True)) for row in rows],
            "names": board.names.among(columns, rows),
        }
    )


@router.get("/learners/{learner_id}/recommendations")
async def recommendations(
    request: Request, learner_id: UUID, limit: Annotated[int, Query(ge=1, le=50)] = 6
) -> Response:
    params = {"user_id": str(learner_id), "limit": limit}
    return await _pass_on(request.app.state.serving, "GET", "/recommendations", params=params)


@router.get("/search")
async def search(
    request: Request, q: Annotated[str, Query(min_length=1, max_length=200)]
) -> Response:
    return await _pass_on(request.app.state.serving, "GET", "/search", params={"q": q})


@router.post("/reactions", status_code=HTTPStatus.ACCEPTED)
async def react(request: Request, body: Reaction) -> Response:
    """The learner followed an offer, or said no; serving remembers whose answer it was."""
    return await _pass_on(
        request.app.state.serving,
        "POST",
        f"/recommendations/{body.recommendation_id}/{body.reaction}",
        json={"item_id": str(body.item_id)},
    )


@router.post("/learners/{learner_id}/events", status_code=HTTPStatus.CREATED)
async def study(request: Request, learner_id: UUID, body: Study) -> Response:
    """Open or finish an item; who is not in its course yet is enrolled first."""
    lms: httpx.AsyncClient = request.app.state.lms
    course = f"/courses/{body.course_id}"
    event = {"user_id": str(learner_id), "event_type": body.event_type}
    path = f"{course}/items/{body.item_id}/events"
    enrolled = await _pass_on(lms, "GET", f"/users/{learner_id}/enrollments?limit=200")
    if not _is_in(orjson.loads(enrolled.body), str(body.course_id)):
        await _pass_on(lms, "POST", f"{course}/enrollments", json={"user_id": str(learner_id)})
    return await _pass_on(lms, "POST", path, json=event)


def _board(request: Request) -> Board:
    return request.app.state.board  # type: ignore[no-any-return]


def _json(value: Any) -> Response:
    body = orjson.dumps(value, option=orjson.OPT_UTC_Z)
    return Response(body, media_type="application/json")


def _is_in(enrollments: Any, course_id: str) -> bool:
    rows = enrollments if isinstance(enrollments, list) else enrollments["items"]
    return any(
        row["course_id"] == course_id and row["status"] in ("enrolled", "completed") for row in rows
    )


async def _pass_on(client: httpx.AsyncClient, method: str, path: str, **kwargs: Any) -> Response:
    """The other part's answer; ``Retryable`` where it is away, ``Rejected`` where it refuses."""
    try:
        response = await client.request(method, f"/api/v1{path}", **kwargs)
    except httpx.TransportError as error:
        raise Retryable(
            f"nothing answers at {client.base_url}; see ./learnstream status"
        ) from error
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Retryable(f"{client.base_url} answered {response.status_code}: {_detail(response)}")
    if response.is_error:
        raise Rejected(_detail(response), status=response.status_code)
    return Response(
        response.content, status_code=response.status_code, media_type="application/json"
    )


def _detail(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return response.reason_phrase
    detail = body.get("detail") if isinstance(body, dict) else None
    return str(detail or response.reason_phrase)
