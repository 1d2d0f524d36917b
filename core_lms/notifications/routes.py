"""A person's notifications, live and listed; what they want to be notified of, and where."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from core_lms.notifications import preferences, schemas, service
from core_lms.notifications.channels.web_push import public_key
from core_lms.notifications.repository import Browser
from core_lms.notifications.stream import events
from core_lms.units import Units, action
from core_lms.users.resource import Person
from gateway import etags
from gateway.etags import InReader, InWriter
from gateway.pages import InWindow, Page
from gateway.problems import RESPONSES
from gateway.resource import Public

router = APIRouter(tags=["notifications"], responses=RESPONSES)

STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "Server-sent events"}
}


@router.get("/users/{user_id}/notifications", response_model=Page[schemas.Notification])
async def list_notifications(
    user_id: UUID,
    units: Annotated[Units, action("notification.read")],
    window: InWindow,
    unread: Annotated[bool, Query(description="only what was not read")] = False,
) -> dict[str, Any]:
    """List a person's notifications, newest first; in the language of their profile."""
    async with units.begin(Person(user_id)) as unit:
        return await service.page(unit, user_id, window, unread)


@router.get("/users/{user_id}/notifications/unread")
async def count_unread_notifications(
    user_id: UUID, units: Annotated[Units, action("notification.read")]
) -> schemas.Unread:
    """Count the notifications that were not read."""
    async with units.begin(Person(user_id)) as unit:
        return await service.standing(unit, user_id)


@router.get(
    "/users/{user_id}/notifications/stream", response_class=StreamingResponse, responses=STREAM
)
async def stream_notifications(
    user_id: UUID,
    units: Annotated[Units, action("notification.read")],
    last: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID",
            pattern=r"^[0-9]{1,9}$",
            description="number of the last entry received; none: only what comes from now on",
        ),
    ] = None,
) -> StreamingResponse:
    """Follow a person's notifications as they appear. A browser that comes again names the last one
    it saw and gets what it missed.
    """
    async with units.begin(Person(user_id)) as unit:
        at = (await service.standing(unit, user_id)).last if last is None else int(last)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    made = events(units.pools.primary, units.caller, user_id, at)
    return StreamingResponse(made, media_type="text/event-stream", headers=headers)


@router.post("/users/{user_id}/notifications/read")
async def mark_notifications_read(
    user_id: UUID, body: schemas.ReadUpTo, units: Annotated[Units, action("notification.mark")]
) -> schemas.Unread:
    """Mark every notification up to a number as read."""
    async with units.begin(Person(user_id)) as unit:
        return await service.read_up_to(unit, user_id, body.up_to)


@router.post(
    "/users/{user_id}/notifications/{notification_id}/read", response_model=schemas.Notification
)
async def mark_notification_read(
    user_id: UUID, notification_id: UUID, units: Annotated[Units, action("notification.mark")]
) -> dict[str, Any]:
    """Mark one notification as read; the moment of the first time stays."""
    async with units.begin(Person(user_id)) as unit:
        return await service.read_one(unit, user_id, notification_id)


@router.get(
    "/users/{user_id}/notification-preferences",
    response_model=schemas.Preferences,
    responses=etags.READ,
)
async def get_notification_preferences(
    user_id: UUID, units: Annotated[Units, action("notification-preference.read")], reader: InReader
) -> Any:
    """Read on which channels a person is notified of which kinds."""
    async with units.begin(Person(user_id)) as unit:
        return reader.answer(await preferences.of_person(unit, user_id))


@router.patch(
    "/users/{user_id}/notification-preferences",
    response_model=schemas.Preferences,
    responses=etags.UPDATE,
)
async def update_notification_preferences(
    user_id: UUID,
    body: schemas.PreferenceChange,
    units: Annotated[Units, action("notification-preference.update")],
    writer: InWriter,
) -> Any:
    """Switch kinds of notifications on and off, per channel."""
    async with units.begin(Person(user_id)) as unit:
        return writer.answer(await preferences.change(unit, user_id, body, writer.check))


@router.get("/push-server", response_model=schemas.PushServer)
async def get_push_server(units: Annotated[Units, action("push-key.read")]) -> dict[str, str]:
    """Read what a browser needs to subscribe to pushes."""
    async with units.begin(Public()):
        return {"public_key": public_key()}


@router.post(
    "/users/{user_id}/push-subscriptions",
    status_code=HTTPStatus.CREATED,
    response_model=schemas.PushSubscription,
)
async def create_push_subscription(
    user_id: UUID,
    body: schemas.NewPushSubscription,
    units: Annotated[Units, action("push-subscription.create", keyed=True)],
) -> Browser:
    """Have a browser notified; the same browser again stays one."""
    async with units.begin(Person(user_id)) as unit:
        return await service.subscribe(unit, user_id, body)


@router.get("/users/{user_id}/push-subscriptions", response_model=schemas.PushSubscriptions)
async def list_push_subscriptions(
    user_id: UUID, units: Annotated[Units, action("push-subscription.list")]
) -> dict[str, Any]:
    """List the browsers that are notified."""
    async with units.begin(Person(user_id)) as unit:
        return await service.browsers(unit, user_id)


@router.delete(
    "/users/{user_id}/push-subscriptions/{subscription_id}", status_code=HTTPStatus.NO_CONTENT
)
async def delete_push_subscription(
    user_id: UUID,
    subscription_id: UUID,
    units: Annotated[Units, action("push-subscription.delete")],
) -> None:
    """Send no more pushes to a browser."""
    async with units.begin(Person(user_id)) as unit:
        await service.unsubscribe_push(unit, user_id, subscription_id)
