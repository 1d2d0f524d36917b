"""``/audit`` for administrators, and what was done with one's own data."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from core_lms.audit import service
from core_lms.audit.schemas import AuditEntry
from core_lms.audit_trail import record
from core_lms.units import Units, action
from core_lms.users.resource import Person
from gateway.pages import InWindow, Page
from gateway.problems import RESPONSES
from gateway.resource import Institution
from gateway.text import Text

router = APIRouter(tags=["audit"], responses=RESPONSES)

About = Annotated[UUID | None, Query(description="only what concerns this person")]
Actor = Annotated[
    Text | None,
    Query(max_length=200, description="only what this actor did, such as `user/<id>`"),
]


@router.get("/audit", response_model=Page[AuditEntry])
async def list_audit_entries(
    units: Annotated[Units, action("audit.read")],
    window: InWindow,
    about: About = None,
    actor: Actor = None,
) -> dict[str, Any]:
    """List who read or changed what about whom, newest first; a row appears within a second."""
    async with units.begin(Institution()) as unit:
        if about is not None:
            record(unit, about)
        return await service.page(unit, about, actor, window)


@router.get("/users/{user_id}/audit", response_model=Page[AuditEntry])
async def list_user_audit_entries(
    user_id: UUID, units: Annotated[Units, action("audit.list")], window: InWindow
) -> dict[str, Any]:
    """List who accessed a person's data; for that person and their guardians, too."""
    async with units.begin(Person(user_id)) as unit:
        return await service.page(unit, user_id, None, window)
