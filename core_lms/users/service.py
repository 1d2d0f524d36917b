"""Registering people and knowing who they are."""

from __future__ import annotations

from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow

from contracts.errors import Rejected
from contracts.events.users import UserCreated
from core_lms.errors import Conflict, NotFound
from core_lms.idempotency import claim
from core_lms.users import repository
from core_lms.users.schemas import Registration
from core_lms.work import Unit

SOURCE = "user-service"


async def register(unit: Unit, registration: Registration) -> tuple[DictRow, bool]:
    """The account and whether it is new; raises ``Conflict`` where the address is taken."""
    id_, repeated = await claim(unit, "user", registration)
    if repeated:
        return await get(unit, id_), False
    try:
        user = await repository.insert(unit, id_, registration)
    except UniqueViolation as error:
        taken = "email address" if "email" in (error.diag.constraint_name or "") else "id"
        raise Conflict(f"there is an account with this {taken}") from None
    unit.emit(
        UserCreated(user_id=id_, role=user["role"], status=user["status"]),
        source=SOURCE,
        at=user["created_at"],
    )
    return user, True


async def get(unit: Unit, id_: str | UUID) -> DictRow:
    """Raises ``NotFound``."""
    user = await repository.get(unit, id_)
    if user is None:
        raise NotFound(f"there is no user {id_}")
    return user


async def active(unit: Unit, id_: str, what: str) -> DictRow:
    """The account that a request names as its ``what``; raises ``Rejected`` or ``Conflict``."""
    user = await repository.get(unit, id_)
    if user is None:
        raise Rejected(f"{what}: there is no user {id_}")
    if user["status"] != "active":
        raise Conflict(f"{what}: user {id_} is {user['status']}")
    return user


async def staff(unit: Unit, id_: str, what: str) -> DictRow:
    """Like ``active``, and an instructor or administrator."""
    user = await active(unit, id_, what)
    if user["role"] == "student":
        raise Rejected(f"{what}: user {id_} is a student")
    return user
