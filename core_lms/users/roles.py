"""Who is what, where: roles in the installation, the institution, or one course."""

from __future__ import annotations

from uuid import UUID

from psycopg.rows import DictRow

from contracts.errors import Rejected
from contracts.events.users import Role, UserUpdated
from contracts.ids import named_id
from core_lms.session_store.store import sessions
from core_lms.unit import Unit
from core_lms.users import repository
from core_lms.users.schemas import RoleGrant
from gateway.errors import Conflict, NotFound
from stack.queries import load

SOURCE = "user-service"
_sql = load(__file__, "roles.sql")


async def of_user(unit: Unit, user_id: str | UUID) -> list[DictRow]:
    await unit.cursor.execute(_sql["of_user"], {"user_id": user_id})
    return await unit.cursor.fetchall()


async def carried(unit: Unit, user_id: str | UUID) -> list[str]:
    """What an access token says: ``student@institution``, ``admin@global``."""
    await unit.cursor.execute(_sql["carried"], {"user_id": user_id})
    return [row["role"] for row in await unit.cursor.fetchall()]


async def grant(unit: Unit, user_id: str | UUID, wanted: RoleGrant) -> tuple[DictRow, bool]:
    """The role and whether it is new; the person has it from their next refresh on."""
    user = await _account(unit, user_id)
    values = {
        "id": named_id(user_id, "role", wanted.role_name, wanted.scope),
        "institution_id": unit.institution_id,
        "user_id": user_id,
        "role_name": wanted.role_name,
        "scope": wanted.scope,
        "granted_by": unit.caller.user_id,
    }
    if wanted.course_id is not None:
        await unit.cursor.execute(_sql["course_exists"], values | {"course_id": wanted.course_id})
        if await unit.cursor.fetchone() is None:
            raise Rejected(f"scope: there is no course {wanted.course_id}")
    await unit.cursor.execute(_sql["grant"], values)
    row = await unit.cursor.fetchone()
    if row is not None:
        _tell(unit, user)
        return row, True
    await unit.cursor.execute(_sql["same"], values)
    found = await unit.cursor.fetchone()
    assert found is not None
    return found, False


async def revoke(unit: Unit, user_id: str | UUID, role_id: str | UUID) -> None:
    """At once: tokens carry roles, so the person's sessions end and they log in again."""
    user = await _account(unit, user_id)
    await unit.cursor.execute(_sql["revoke"], {"id": role_id, "user_id": user_id})
    row = await unit.cursor.fetchone()
    if row is None:
        raise NotFound(f"user {user_id} has no role {role_id}")
    if row["scope"] == "institution" and row["role_name"] == user["role"]:
        raise Conflict(f"{user['role']} is what the account is: set another role instead")
    _tell(unit, user)
    if not row["scope"].startswith("course:"):
        await sessions().end_all(str(user_id))


async def set_base(unit: Unit, user: DictRow, role: Role) -> None:
    """Replace the institution-wide role that the account had as such."""
    values = {"user_id": user["id"], "role_name": user["role"]}
    await unit.cursor.execute(_sql["revoke_base"], values)
    values |= {
        "id": named_id(user["id"], "role", role),
        "institution_id": unit.institution_id,
        "role_name": role,
        "scope": "institution",
        "granted_by": unit.caller.user_id,
    }
    await unit.cursor.execute(_sql["grant"], values)


async def _account(unit: Unit, user_id: str | UUID) -> DictRow:
    user = await repository.locked(unit, user_id)
    if user is None:
        raise NotFound(f"there is no user {user_id}")
    return user


def _tell(unit: Unit, user: DictRow) -> None:
    event = UserUpdated(user_id=str(user["id"]), role=user["role"], status=user["status"])
    unit.emit(event, source=SOURCE)
