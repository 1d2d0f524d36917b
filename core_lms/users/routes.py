"""``/users``: accounts, their roles and status."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from contracts.events.users import Role, UserStatus
from core_lms.units import Units, action
from core_lms.users import resource, roles, schemas, service
from core_lms.users.repository import SQL, Account
from gateway import etags
from gateway.etags import InReader, InWriter
from gateway.pages import InWindow, Page
from gateway.problems import RESPONSES
from gateway.resource import Institution

router = APIRouter(prefix="/users", tags=["users"], responses=RESPONSES)


@router.post("", status_code=HTTPStatus.CREATED, response_model=schemas.User)
async def create_user(
    body: schemas.Registration,
    units: Annotated[Units, action("user.register", keyed=True)],
) -> Account:
    """Register a person; emits `user.created`."""
    async with units.begin(Institution()) as unit:
        return await service.register(unit, body)


@router.get("", response_model=Page[schemas.User])
async def list_users(
    units: Annotated[Units, action("user.list")],
    window: InWindow,
    role: Annotated[Role | None, Query()] = None,
    status: Annotated[UserStatus | None, Query()] = None,
    email: Annotated[str | None, Query(max_length=255, description="the whole address")] = None,
) -> dict[str, Any]:
    """List the institution's accounts, oldest first."""
    async with units.begin(Institution()) as unit:
        return await service.page(unit, window, role=role, status=status, email=email)


@router.get("/{user_id}", response_model=schemas.User, responses=etags.READ)
async def get_user(
    user_id: UUID, units: Annotated[Units, action("user.read")], reader: InReader
) -> Any:
    """Read one account."""
    async with units.begin(resource.Person(user_id)) as unit:
        return reader.answer(await service.get(unit, user_id))


@router.patch("/{user_id}", response_model=schemas.User, responses=etags.UPDATE)
async def update_user(
    user_id: UUID,
    body: schemas.UserChange,
    units: Annotated[Units, action("user.update")],
    writer: InWriter,
) -> Any:
    """Change name or profile of a person; emits `user.updated`."""
    async with units.begin(resource.Person(user_id)) as unit:
        return writer.answer(await service.change(unit, user_id, body, writer.check))


@router.put("/{user_id}/email", response_model=schemas.User, responses=etags.UPDATE)
async def change_email(
    user_id: UUID,
    body: schemas.EmailChange,
    units: Annotated[Units, action("user.change-email")],
    writer: InWriter,
) -> Any:
    """Change the address of a person; verified by a mail to it, after a login of the last ten
    minutes.
    """
    async with units.begin(resource.Person(user_id)) as unit:
        return writer.answer(await service.change_email(unit, user_id, body.email, writer.check))


@router.put("/{user_id}/status", response_model=schemas.User, responses=etags.UPDATE)
async def set_user_status(
    user_id: UUID,
    body: schemas.StatusChange,
    units: Annotated[Units, action("user.set-status")],
    writer: InWriter,
) -> Any:
    """Let somebody in or out; emits `user.updated`."""
    async with units.begin(resource.Person(user_id)) as unit:
        return writer.answer(await service.set_status(unit, user_id, body.status, writer.check))


@router.put("/{user_id}/role", response_model=schemas.User, responses=etags.UPDATE)
async def set_user_role(
    user_id: UUID,
    body: schemas.RoleChange,
    units: Annotated[Units, action("user.set-role")],
    writer: InWriter,
) -> Any:
    """Set what a person is in the institution; emits `user.updated`."""
    async with units.begin(resource.Person(user_id)) as unit:
        return writer.answer(await service.set_role(unit, user_id, body.role, writer.check))


@router.post(
    "/{user_id}/invitations", status_code=HTTPStatus.ACCEPTED, response_model=schemas.Accepted
)
async def invite_user(
    user_id: UUID, units: Annotated[Units, action("user.invite", keyed=True)]
) -> schemas.Accepted:
    """Have the person mailed a link that proves the address and sets a password."""
    async with units.begin(resource.Person(user_id)) as unit:
        await service.invite(unit, user_id)
    return schemas.Accepted()


@router.get("/{user_id}/roles", response_model=schemas.UserRoles)
async def list_user_roles(
    user_id: UUID, units: Annotated[Units, action("role.list")]
) -> dict[str, Any]:
    """List what a person is, and where."""
    async with units.begin(resource.Person(user_id)) as unit:
        return {"items": await roles.of_user(unit, user_id)}


@router.get("/{user_id}/relations", response_model=schemas.Relations)
async def get_relations(
    user_id: UUID, units: Annotated[Units, action("relation.read")]
) -> dict[str, Any]:
    """Say what the caller is to a person; our own processes decide by it."""
    about = resource.Relation(user_id)
    caller_id = units.caller.user_id
    async with units.read(about, SQL["relations"], user_id=user_id, caller_id=caller_id) as unit:
        return unit.row


@router.post("/{user_id}/roles", status_code=HTTPStatus.CREATED)
async def grant_role(
    user_id: UUID,
    body: schemas.RoleGrant,
    units: Annotated[Units, action("role.grant", keyed=True)],
) -> schemas.UserRole:
    """Give a person one more role; 200 where they have it already. Emits `user.updated`."""
    async with units.begin(resource.RoleOf(user_id, scope=body.scope)) as unit:
        return await roles.grant(unit, user_id, body)


@router.delete("/{user_id}/roles/{role_id}", status_code=HTTPStatus.NO_CONTENT)
async def revoke_role(
    user_id: UUID, role_id: UUID, units: Annotated[Units, action("role.revoke")]
) -> None:
    """Take a role away, at once; emits `user.updated`."""
    async with units.begin(resource.RoleOf(user_id, role_id=role_id)) as unit:
        await roles.revoke(unit, user_id, role_id)
