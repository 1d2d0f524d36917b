"""Items of a course, what learners do with them, and what they have completed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Response
from psycopg.rows import DictRow

from core_lms.content import resource, service
from core_lms.content.schemas import (
    EXAMPLES,
    CompletedItems,
    Interaction,
    Item,
    NewItem,
    Recorded,
)
from core_lms.courses.resource import Course
from core_lms.pages import Cursor, Limit, Page
from core_lms.problems import RESPONSES
from core_lms.users.resource import Person
from core_lms.work import Work, does

router = APIRouter(tags=["content"], responses=RESPONSES)


@router.post("/courses/{course_id}/items", status_code=HTTPStatus.CREATED, response_model=Item)
async def add(
    course_id: UUID,
    body: NewItem,
    work: Annotated[Work, does("item.create", keyed=True)],
    response: Response,
) -> DictRow:
    """Add an item to a course; emits `course.updated`."""
    async with work.begin(Course(course_id)) as unit:
        item, created = await service.add(unit, course_id, body)
    if not created:
        response.status_code = HTTPStatus.OK
    return item


@router.get("/courses/{course_id}/items", response_model=Page[Item])
async def page(
    course_id: UUID,
    work: Annotated[Work, does("item.list")],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """The items of a course in their order."""
    async with work.begin(Course(course_id)) as unit:
        return await service.page(unit, course_id, cursor, limit)


@router.post(
    "/courses/{course_id}/items/{item_id}/events",
    status_code=HTTPStatus.CREATED,
    response_model=Recorded,
)
async def record(
    course_id: UUID,
    item_id: UUID,
    body: Annotated[Interaction, Body(examples=EXAMPLES)],
    work: Annotated[Work, does("item.record", keyed=True)],
    response: Response,
) -> DictRow:
    """Record what an enrolled learner did with an item; emits the event of the same type.

    The Idempotency-Key makes the event's id; if it is a canonical UUID it is the event's id.
    """
    async with work.begin(resource.Item(item_id, course_id, body.user_id)) as unit:
        recorded, created = await service.record(unit, course_id, item_id, body)
    if not created:
        response.status_code = HTTPStatus.OK
    return recorded


@router.get("/users/{user_id}/completed-items", response_model=CompletedItems)
async def completed_items(
    user_id: UUID, work: Annotated[Work, does("completed-item.list")]
) -> dict[str, Any]:
    """Everything a learner has completed, in one answer and as of now."""
    async with work.begin(Person(user_id)) as unit:
        return {"user_id": user_id, "items": await service.completed_items(unit, user_id)}
