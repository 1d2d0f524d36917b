"""Links with a secret for one use: mailed ones, and those that an operator makes to sign in.

A mailed one proves its bearer reads the account's mail.

The secret is made when the mail is sent and never before, so it travels in no event; the database
keeps its hash. Redeeming one sets a password, verifies the address it went to, and ends every
session: whoever else was in is out. One to sign in begins a session and changes nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from contracts.errors import Rejected
from contracts.events.users import UserPasswordChanged, UserUpdated
from contracts.ids import new_id
from core_lms.session_store.store import sessions
from core_lms.sessions import password_rules, repository
from core_lms.sessions.passwords import hashing
from core_lms.sessions.repository import SQL, Link
from core_lms.sessions.settings import settings
from core_lms.unit import Unit
from core_lms.users import repository as users
from gateway.caller import anonymous
from gateway.errors import Conflict

Purpose = Literal["verify", "reset", "sign-in"]
MAILED: tuple[Purpose, ...] = ("verify", "reset")
SOURCE = "user-service"
_PREFIX = "lsl1_"
_DEAD = "the link was used already or has expired: ask for a new one"


async def mint(
    unit: Unit, user_id: str, purpose: Purpose, now: datetime | None = None
) -> str | None:
    """The URL to mail to the person; None where there is nobody to let in (suspended, erased).

    For whoever sends the mail. The unit must commit before the mail goes out; a link that was never
    sent does no harm, it expires.
    """
    user = await users.get(unit, user_id)
    if user is None or not (user.status == "active" or user.activates_on_verification):
        return None
    hours = settings().verify_link_hours if purpose == "verify" else settings().reset_link_hours
    token = await _token(
        unit, user_id, purpose, (now or datetime.now(UTC)) + timedelta(hours=hours)
    )
    # In the fragment: browsers send it to no server and into no log.
    return f"{settings().link_url}#{token}"


async def mint_sign_in(unit: Unit, user_id: str, now: datetime | None = None) -> str:
    """What signs its bearer in as this person, once; for a page's fragment.

    Raises ``Rejected`` for somebody who is not there, ``Conflict`` for somebody not active.
    """
    user = await users.get(unit, user_id)
    if user is None:
        raise Rejected(f"there is no user {user_id}")
    if user.status != "active":
        raise Conflict(f"user {user_id} is {user.status}")
    lifetime = timedelta(minutes=settings().sign_in_link_minutes)
    unit.people.add(user_id)
    return await _token(unit, user_id, "sign-in", (now or datetime.now(UTC)) + lifetime)


async def use_sign_in(unit: Unit, token: str, now: datetime | None = None) -> str:
    """Use the link up; the id of whom it signs in. Raises ``Rejected``."""
    return str((await _link(unit, "use_link", token, ("sign-in",), now)).user_id)


async def _link(
    unit: Unit, statement: str, token: str, purposes: Sequence[Purpose], now: datetime | None
) -> Link:
    """The link for one of ``purposes``, in its institution; raises ``Rejected``."""
    institution_id, secret = _parse(token)
    await unit.enter(anonymous(institution_id))
    values = {"token_hash": _hash(secret), "now": now or datetime.now(UTC)}
    found = await unit.one(Link, SQL[statement], purposes=list(purposes), **values)
    if found is None:
        raise Rejected(_DEAD)
    return found


async def _token(unit: Unit, user_id: str, purpose: Purpose, expires_at: datetime) -> str:
    secret = secrets.token_bytes(32)
    values = {"purpose": purpose, "token_hash": _hash(secret), "expires_at": expires_at}
    await unit.execute(SQL["insert_link"], id=new_id(), user_id=user_id, **values)
    token = base64.urlsafe_b64encode(UUID(unit.institution_id).bytes + secret).decode()
    return _PREFIX + token


async def opened(unit: Unit, token: str, password: str, now: datetime | None = None) -> str:
    """The hash of the password that a link shall set, once the link and the password are good.

    Raises ``Rejected`` otherwise. Works in the link's institution, and changes nothing yet: hashing
    takes its time, which no transaction should wait for.
    """
    found = await _link(unit, "link", token, MAILED, now)
    user = await users.get(unit, found.user_id)
    if user is None:
        raise Rejected(_DEAD)
    password_rules.check(
        password,
        min_length=settings().password_min_length,
        personal=[user.name, user.email],
    )
    return await hashing().hash(password)


async def redeem(unit: Unit, token: str, password_hash: str, now: datetime | None = None) -> str:
    """Use the link up and set the password; the id of whose it is. Emits what has changed."""
    used = await _link(unit, "use_link", token, MAILED, now)
    user = await users.locked(unit, used.user_id)
    if user is None:
        raise Rejected(_DEAD)
    wakes = user.activates_on_verification and used.proves_address
    if user.status != "active" and not wakes:
        raise Conflict(f"the account is {user.status}")
    user_id = str(user.id)
    await repository.set_password(unit, user_id, password_hash)
    await repository.drop_links(unit, user_id)
    if used.proves_address:
        status = "active" if wakes else None
        fresh = await users.set_facts(unit, user_id, status=status, verified=True, activates=False)
        if fresh.status != user.status:
            event = UserUpdated(user_id=user_id, role=fresh.role, status=fresh.status)
            unit.emit(event, source=SOURCE)
    unit.emit(UserPasswordChanged(user_id=user_id), source=SOURCE)
    await sessions().end_all(user_id)
    return user_id


def _parse(token: str) -> tuple[str, bytes]:
    try:
        if not token.startswith(_PREFIX):
            raise ValueError("another kind of token")
        raw = base64.b64decode(token.removeprefix(_PREFIX), altchars=b"-_", validate=True)
        if len(raw) != 48:
            raise ValueError("another length")
    except (ValueError, binascii.Error):
        raise Rejected("this is no link of ours: copy all of it") from None
    return str(UUID(bytes=raw[:16])), raw[16:]


def _hash(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()
