"""Who is what, where: roles in the installation, the institution, or one course."""

from __future__ import annotations

from uuid import UUID

from contracts.errors import Rejected
from contracts.events.users import Role, UserUpdated
from contracts.ids import named_id
from core_lms.session_store.store import sessions
from core_lms.unit import Unit, found
from core_lms.users import repository
from core_lms.users.repository import Account
from core_lms.users.schemas import RoleGrant, UserRole
from gateway.errors import Conflict, NotFound
from stack.queries import load

SOURCE = "user-service"


_sql = load(__file__, "roles.sql", role=UserRole)


async def of_user(unit: Unit, user_id: str | UUID) -> list[UserRole]:
    return await unit.all(UserRole, _sql["of_user"], user_id=user_id)


async def carried(unit: Unit, user_id: str | UUID) -> list[str]:
    """What an access token says: ``student@institution``, ``admin@global``."""
    return list(await unit.value(_sql["carried"], user_id=user_id))


async def grant(unit: Unit, user_id: str | UUID, wanted: RoleGrant) -> UserRole:
    """The role; the person has it from their next refresh on."""
    user = await _account(unit, user_id)
    course_id = wanted.course_id
    if course_id is not None and not await unit.value(_sql["course_exists"], course_id=course_id):
        raise Rejected(f"scope: there is no course {course_id}")
    values = {
        "id": named_id(user_id, "role", wanted.role_name, wanted.scope),
        "user_id": user_id,
        "role_name": wanted.role_name,
        "scope": wanted.scope,
        "granted_by": unit.caller.user_id,
    }
    row = await unit.one(UserRole, _sql["grant"], **values)
    if row is not None:
        _updated(unit, user)
        return row
    unit.repeated = True
    [row] = await unit.all(UserRole, _sql["same"], **values)
    return row


async def revoke(unit: Unit, user_id: str | UUID, role_id: str | UUID) -> None:
    """At once: tokens carry roles, so the person's sessions end and they log in again."""
    user = await _account(unit, user_id)
    row = await unit.one(UserRole, _sql["revoke"], id=role_id, user_id=user_id)
    if row is None:
        raise NotFound(f"user {user_id} has no role {role_id}")
    if row.scope == "institution" and row.role_name == user.role:
        raise Conflict(f"{user.role} is what the account is: set another role instead")
    _updated(unit, user)
    if not row.scope.startswith("course:"):
        await sessions().end_all(str(user_id))


async def set_base(unit: Unit, user: Account, role: Role) -> None:
    """Replace the institution-wide role that the account had as such."""
    await unit.execute(_sql["revoke_base"], user_id=user.id, role_name=user.role)
    by = {"user_id": user.id, "scope": "institution", "granted_by": unit.caller.user_id}
    id_ = named_id(user.id, "role", role)
    await unit.execute(_sql["grant"], id=id_, role_name=role, **by)


async def _account(unit: Unit, user_id: str | UUID) -> Account:
    return found(await repository.locked(unit, user_id), f"there is no user {user_id}")


def _updated(unit: Unit, user: Account) -> None:
    event = UserUpdated(user_id=str(user.id), role=user.role, status=user.status)
    unit.emit(event, source=SOURCE)
