"""``/api-keys``: what machines act with."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response

from core_lms.api_keys import resource, schemas, service
from core_lms.units import Units, action
from gateway.pages import InWindow, Page
from gateway.problems import RESPONSES
from gateway.resource import Institution

router = APIRouter(prefix="/api-keys", tags=["api keys"], responses=RESPONSES)


@router.post("", status_code=HTTPStatus.CREATED)
async def create_api_key(
    body: schemas.NewApiKey,
    units: Annotated[Units, action("api_key.create", keyed=True)],
    response: Response,
) -> schemas.ShownApiKey:
    """Make an API key; it is shown in this answer and never again. Emits `api_key.created`."""
    async with units.begin(Institution()) as unit:
        key = await service.create(unit, body)
    response.headers["Cache-Control"] = "no-store"
    return key


@router.get("", response_model=Page[schemas.ApiKey])
async def list_api_keys(
    units: Annotated[Units, action("api_key.list")], window: InWindow
) -> dict[str, Any]:
    """List the institution's API keys, oldest first; none of them can be read back."""
    async with units.begin(Institution()) as unit:
        return await service.page(unit, window)


@router.get("/{api_key_id}")
async def get_api_key(
    api_key_id: UUID, units: Annotated[Units, action("api_key.read")]
) -> schemas.ApiKey:
    """Read one API key, and when it was last used."""
    async with units.begin(resource.ApiKey(api_key_id)) as unit:
        return await service.get(unit, api_key_id)


@router.post("/{api_key_id}/revoke")
async def revoke_api_key(
    api_key_id: UUID, units: Annotated[Units, action("api_key.revoke")]
) -> schemas.ApiKey:
    """Refuse an API key from now on; emits `api_key.revoked` the first time."""
    async with units.begin(resource.ApiKey(api_key_id)) as unit:
        return await service.revoke(unit, api_key_id)
