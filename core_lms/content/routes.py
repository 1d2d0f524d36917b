"""Items of a course, what learners do with them, and what they have completed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Response

from core_lms import answers
from core_lms.content import media_routes, resource, schemas, service, studying
from core_lms.content.repository import SQL
from core_lms.courses.resource import Course
from core_lms.units import Units, action
from core_lms.users.resource import Person
from gateway import etags
from gateway.etags import InReader, InWriter
from gateway.pages import InWindow, Page
from gateway.problems import RESPONSES
from gateway.resource import Institution

_content = APIRouter(tags=["content"], responses=RESPONSES)


@_content.post("/courses/{course_id}/items", status_code=HTTPStatus.CREATED)
async def create_item(
    course_id: UUID,
    body: schemas.NewItem,
    units: Annotated[Units, action("item.create", keyed=True)],
) -> schemas.Item:
    """Add an item to a course; emits `course.updated`."""
    async with units.begin(Course(course_id)) as unit:
        return await service.add(unit, course_id, body)


@_content.get("/courses/{course_id}/items", response_model=Page[schemas.Item], responses=etags.READ)
async def list_course_items(
    course_id: UUID,
    units: Annotated[Units, action("item.list")],
    window: InWindow,
    reader: InReader,
) -> Response:
    """List the items of a course in their order; a table of contents."""
    about, asked = Course(course_id), service.asked(course_id, window)
    if window == answers.FIRST_PAGE:
        entry = answers.contents(units.caller.institution_id, course_id)
        page = await units.cached(
            about, entry, service.page, SQL["list"], unless=service.previews, **asked
        )
    else:
        async with units.read(about, SQL["list"], **asked) as unit:
            page = service.page(unit, window)
    return reader.send(page.tag, page.body)


@_content.get(
    "/courses/{course_id}/items/{item_id}",
    response_model=schemas.OpenedItem,
    responses=etags.UPDATE,
)
async def get_item(
    course_id: UUID, item_id: UUID, units: Annotated[Units, action("item.read")], response: Response
) -> dict[str, Any]:
    """Open an item with its content.

    The ETag is the item's own, for changing it; `content` is made anew each time, so there is no
    answering with what the caller has.
    """
    async with units.begin(resource.Item(item_id, course_id)) as unit:
        item, shown = await service.opened(unit, course_id, item_id)
    response.headers.update({"ETag": etags.tag(item), "Cache-Control": "private, no-store"})
    return item.model_dump() | shown


@_content.patch(
    "/courses/{course_id}/items/{item_id}", response_model=schemas.Item, responses=etags.UPDATE
)
async def update_item(
    course_id: UUID,
    item_id: UUID,
    body: schemas.ItemChange,
    units: Annotated[Units, action("item.update")],
    writer: InWriter,
) -> Any:
    """Change an item; emits `course.updated`."""
    async with units.begin(resource.Item(item_id, course_id)) as unit:
        return writer.answer(await service.change(unit, course_id, item_id, body, writer.check))


@_content.delete("/courses/{course_id}/items/{item_id}")
async def archive_item(
    course_id: UUID, item_id: UUID, units: Annotated[Units, action("item.archive")]
) -> schemas.Item:
    """Put an item away; what learners did with it stays. Emits `course.updated`."""
    async with units.begin(resource.Item(item_id, course_id)) as unit:
        return await service.archive(unit, course_id, item_id)


@_content.get("/courses/{course_id}/items/{item_id}/posts", response_model=Page[schemas.Post])
async def list_posts(
    course_id: UUID, item_id: UUID, units: Annotated[Units, action("post.list")], window: InWindow
) -> dict[str, Any]:
    """List what was written in a forum, oldest first."""
    async with units.begin(resource.Item(item_id, course_id)) as unit:
        return await service.posts(unit, course_id, item_id, window)


@_content.get("/content-kinds", response_model=schemas.ContentKinds)
async def list_content_kinds(
    units: Annotated[Units, action("content-kind.list")],
) -> dict[str, Any]:
    """List the kinds of content, their metadata and interactions."""
    async with units.begin(Institution()):
        return {"items": service.kinds()}


@_content.post("/courses/{course_id}/items/{item_id}/events", status_code=HTTPStatus.CREATED)
async def record_item_event(
    course_id: UUID,
    item_id: UUID,
    body: Annotated[schemas.Interaction, Body(examples=schemas.EXAMPLES)],
    units: Annotated[Units, action("item.record", keyed=True)],
) -> schemas.Recorded:
    """Record what an enrolled learner did with an item; emits the event of the same type.

    The Idempotency-Key makes the event's id; if it is a canonical UUID it is the event's id.
    """
    asked = studying.recording(units, course_id, item_id, body)
    about = resource.Item(item_id, course_id, body.user_id)
    async with units.begin(about, *asked.statements) as unit:
        recorded = await studying.record(unit, course_id, item_id, body, asked)
    return studying.answered(recorded, body)


@_content.get("/users/{user_id}/completed-items", response_model=schemas.CompletedItems)
async def list_completed_items(
    user_id: UUID, units: Annotated[Units, action("completed-item.list")]
) -> dict[str, Any]:
    """List everything a learner has completed, in one answer and as of now; teachers get what of it
    is in the courses they teach.
    """
    async with units.begin(Person(user_id)) as unit:
        return {"user_id": user_id, "items": await service.completed_items(unit, user_id)}


router = APIRouter()
router.include_router(_content)
router.include_router(media_routes.router)
