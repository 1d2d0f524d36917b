"""``/webhooks``: addresses of other systems, and what they were sent."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from core_lms.units import Units, action
from core_lms.webhooks import resource, schemas, service
from gateway import etags
from gateway.etags import InReader, InWriter
from gateway.pages import InWindow, Page
from gateway.problems import RESPONSES
from gateway.resource import Institution

router = APIRouter(prefix="/webhooks", tags=["webhooks"], responses=RESPONSES)


@router.post("", status_code=HTTPStatus.CREATED)
async def create_webhook(
    body: schemas.NewWebhook,
    units: Annotated[Units, action("webhook.create", keyed=True)],
    response: Response,
) -> schemas.ShownWebhook:
    """Have an address notified of events; the secret is shown now and never again."""
    async with units.begin(Institution()) as unit:
        webhook = await service.create(unit, body)
    response.headers["Cache-Control"] = "no-store"
    return webhook


@router.get("", response_model=Page[schemas.Webhook])
async def list_webhooks(
    units: Annotated[Units, action("webhook.list")], window: InWindow
) -> dict[str, Any]:
    """List the addresses that the institution has notified, oldest first."""
    async with units.begin(Institution()) as unit:
        return await service.page(unit, window)


@router.get("/{webhook_id}", response_model=schemas.Webhook, responses=etags.READ)
async def get_webhook(
    webhook_id: UUID, units: Annotated[Units, action("webhook.read")], reader: InReader
) -> Any:
    """Read one address, and since when it fails."""
    async with units.begin(resource.Webhook(webhook_id)) as unit:
        return reader.answer(await service.get(unit, webhook_id))


@router.patch("/{webhook_id}", response_model=schemas.Webhook, responses=etags.UPDATE)
async def update_webhook(
    webhook_id: UUID,
    body: schemas.WebhookChange,
    units: Annotated[Units, action("webhook.update")],
    writer: InWriter,
) -> Any:
    """Change address or events of a webhook, or pause it; emits `webhook.updated`."""
    async with units.begin(resource.Webhook(webhook_id)) as unit:
        return writer.answer(await service.change(unit, webhook_id, body, writer.check))


@router.delete("/{webhook_id}", status_code=HTTPStatus.NO_CONTENT)
async def delete_webhook(
    webhook_id: UUID, units: Annotated[Units, action("webhook.delete")]
) -> None:
    """Forget the address and what it was not sent yet; emits `webhook.deleted`."""
    async with units.begin(resource.Webhook(webhook_id)) as unit:
        await service.delete(unit, webhook_id)


@router.post("/{webhook_id}/secret")
async def rotate_webhook_secret(
    webhook_id: UUID,
    body: schemas.Rotation,
    units: Annotated[Units, action("webhook.rotate")],
    response: Response,
) -> schemas.ShownWebhook:
    """Make a new secret for a webhook; the one before signs as well until the overlap ends."""
    async with units.begin(resource.Webhook(webhook_id)) as unit:
        webhook = await service.rotate(unit, webhook_id, body)
    response.headers["Cache-Control"] = "no-store"
    return webhook


@router.get("/{webhook_id}/deliveries", response_model=Page[schemas.Delivery])
async def list_webhook_deliveries(
    webhook_id: UUID,
    units: Annotated[Units, action("delivery.list")],
    window: InWindow,
    status: Annotated[schemas.DeliveryStatus | None, Query()] = None,
) -> dict[str, Any]:
    """List what an address was sent or is to be sent; `status=dead` is what could not be
    delivered."""
    async with units.begin(resource.Webhook(webhook_id)) as unit:
        return await service.deliveries(unit, webhook_id, window, status)


@router.post("/{webhook_id}/deliveries/retry", response_model=schemas.Retried)
async def retry_webhook_deliveries(
    webhook_id: UUID, units: Annotated[Units, action("delivery.retry")]
) -> dict[str, int]:
    """Try everything again that could not be delivered."""
    async with units.begin(resource.Webhook(webhook_id)) as unit:
        return {"deliveries": await service.retry(unit, webhook_id)}


@router.post("/{webhook_id}/deliveries/{delivery_id}/retry", response_model=schemas.Retried)
async def retry_webhook_delivery(
    webhook_id: UUID, delivery_id: UUID, units: Annotated[Units, action("delivery.retry")]
) -> dict[str, int]:
    """Try one message again that could not be delivered."""
    async with units.begin(resource.Webhook(webhook_id)) as unit:
        return {"deliveries": await service.retry(unit, webhook_id, delivery_id)}
