"""Registering people, knowing who they are, and changing what an account says and may."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation

from contracts.errors import Rejected
from contracts.events.users import (
    Role,
    UserCreated,
    UserPasswordResetRequested,
    UserStatus,
    UserUpdated,
    UserVerificationRequested,
)
from contracts.ids import new_id
from core_lms import audit_trail, pages
from core_lms.idempotency import claim
from core_lms.sealing import person
from core_lms.session_store.store import sessions
from core_lms.unit import Unit, found
from core_lms.users import repository, roles
from core_lms.users.repository import SQL, Account, account
from core_lms.users.schemas import Registration, SelfRegistration, UserChange
from core_lms.users.settings import settings
from gateway.errors import Conflict, Forbidden
from gateway.etags import Check
from gateway.pages import Window

SOURCE = "user-service"


async def register(unit: Unit, registration: Registration) -> Account:
    """The account; raises ``Conflict`` where the address is taken."""
    id_ = await claim(unit, "user", registration)
    if unit.repeated:
        return await get(unit, id_)
    try:
        invented = registration.profile.get("invented") is True
        user = await repository.insert(unit, id_, registration, invented=invented)
    except UniqueViolation as error:
        taken = "email address" if "email" in (error.diag.constraint_name or "") else "id"
        raise Conflict(f"there is an account with this {taken}") from None
    created(unit, user)
    return user


def open_to_strangers() -> None:
    """Raises ``Forbidden`` where only administrators register people."""
    if not settings().self_registration:
        raise Forbidden("accounts are made by the institution here: ask its administrators")


async def register_oneself(unit: Unit, wish: SelfRegistration) -> None:
    """A student's account that becomes active with the link that is mailed.

    Whoever asks learns nothing: an address that has an account gets a mail that lets its owner in.
    No password is taken here, so nobody can prepare an account for somebody else's address.
    """
    known = await repository.of_email(unit, wish.email)
    if known is not None:
        await ask_for_reset(unit, known)
        return
    registration = Registration(email=wish.email, name=wish.name, profile=wish.profile)
    try:
        async with unit.cursor.connection.transaction():
            user = await repository.insert(unit, new_id(), registration)
    except UniqueViolation:
        return  # the same wish came twice at once: the other one has the mail sent
    user = await repository.set_facts(unit, user.id, status="inactive", activates=True)
    created(unit, user)
    unit.emit(UserVerificationRequested(user_id=str(user.id)), source=SOURCE)


async def ask_for_reset(unit: Unit, user: Account) -> None:
    """Have the person mailed a way in, if there is one: who is suspended gets none."""
    if user.erased_at is not None:
        return
    user_id = str(user.id)
    if user.activates_on_verification:
        unit.emit(UserVerificationRequested(user_id=user_id), source=SOURCE)
    elif user.status == "active":
        unit.emit(UserPasswordResetRequested(user_id=user_id), source=SOURCE)


async def invite(unit: Unit, id_: str | UUID) -> None:
    """Have a link mailed with which the person proves the address and sets a password."""
    user = await get(unit, id_)
    if user.status != "active" and not user.activates_on_verification:
        raise Conflict(f"user {id_} is {user.status}")
    unit.emit(UserVerificationRequested(user_id=str(id_)), source=SOURCE)


async def get(unit: Unit, id_: str | UUID) -> Account:
    """Raises ``NotFound``."""
    return found(await repository.get(unit, id_), f"there is no user {id_}")


async def page(
    unit: Unit, window: Window, *, role: str | None, status: str | None, email: str | None
) -> dict[str, Any]:
    index = email and person.email_index(unit.institution_id, email)
    which: dict[str, Any] = {"role": role, "status": status, "email_index": index}
    listed = await pages.read(unit, account, SQL["page"], window, **which)
    audit_trail.shown(listed["items"], "id")
    return listed


async def active(unit: Unit, id_: str, what: str) -> Account:
    """The account that a request names as its ``what``; raises ``Rejected`` or ``Conflict``."""
    user = await repository.get(unit, id_)
    if user is None:
        raise Rejected(f"{what}: there is no user {id_}")
    if user.status != "active":
        raise Conflict(f"{what}: user {id_} is {user.status}")
    return user


async def staff(unit: Unit, id_: str, what: str) -> Account:
    """Like ``active``, and an instructor or administrator."""
    user = await active(unit, id_, what)
    if user.role == "student":
        raise Rejected(f"{what}: user {id_} is a student")
    return user


async def change(unit: Unit, id_: UUID, wish: UserChange, check: Check) -> Account:
    """Name and profile; emits ``user.updated`` where something is different then."""
    user = await _locked(unit, id_, check)
    fields = wish.model_dump(exclude_none=True)
    if all(getattr(user, name) == value for name, value in fields.items()):
        return user
    user = found(await repository.reseal(unit, id_, fields), f"there is no user {id_}")
    return _updated(unit, user)


async def change_email(unit: Unit, id_: UUID, email: str, check: Check) -> Account:
    """Another address, unproven until the link mailed to it was opened."""
    user = await _locked(unit, id_, check)
    if user.email == email:
        return user
    try:
        await repository.reseal(unit, id_, {"email": email})
    except UniqueViolation:
        raise Conflict("there is an account with this email address") from None
    user = await repository.set_facts(unit, id_, verified=False)
    unit.emit(UserVerificationRequested(user_id=str(id_)), source=SOURCE)
    return _updated(unit, user)


async def set_status(unit: Unit, id_: UUID, status: UserStatus, check: Check) -> Account:
    """Who is not active any more is out before this commits, wherever they are logged in.

    The sessions end while the row is locked: a login that read the old status has made its session
    by now, and one that comes later reads the new one.
    """
    user = await _locked(unit, id_, check)
    if str(id_) == unit.caller.user_id:
        raise Conflict("nobody changes their own status: ask another administrator")
    if user.status == status and not user.activates_on_verification:
        return user
    user = await repository.set_facts(unit, id_, status=status, activates=False)
    if status == "active":
        unit.afterwards.append(lambda: sessions().let_in(str(id_)))
    else:
        await sessions().shut_out(str(id_))
    return _updated(unit, user)


async def set_role(unit: Unit, id_: UUID, role: Role, check: Check) -> Account:
    """Another role in the institution; sessions end, because tokens carry the old one."""
    user = await _locked(unit, id_, check)
    if str(id_) == unit.caller.user_id:
        raise Conflict("nobody changes their own role: ask another administrator")
    if user.role == role:
        return user
    await roles.set_base(unit, user, role)
    user = await repository.set_facts(unit, id_, role=role)
    await sessions().end_all(str(id_))
    return _updated(unit, user)


def created(unit: Unit, user: Account) -> None:
    event = UserCreated(user_id=str(user.id), role=user.role, status=user.status)
    unit.emit(event, source=SOURCE, at=user.created_at)


def _updated(unit: Unit, user: Account) -> Account:
    event = UserUpdated(user_id=str(user.id), role=user.role, status=user.status)
    unit.emit(event, source=SOURCE)
    return user


async def _locked(unit: Unit, id_: UUID, check: Check) -> Account:
    user = found(await repository.locked(unit, id_), f"there is no user {id_}")
    check(user)
    return user
