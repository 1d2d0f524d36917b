"""Logging in, staying logged in, and getting out."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from contracts.errors import Rejected
from contracts.events.users import UserPasswordChanged
from core_lms.session_store import store
from core_lms.session_store.store import Session, sessions
from core_lms.sessions import asks, links, password_rules, repository
from core_lms.sessions.passwords import hashing
from core_lms.sessions.repository import SQL
from core_lms.sessions.schemas import Forgotten
from core_lms.sessions.settings import settings
from core_lms.sessions.throttle import Throttle
from core_lms.unit import Unit
from core_lms.units import Units
from core_lms.users import repository as users
from core_lms.users import roles
from core_lms.users import service as accounts
from gateway.caller import anonymous
from gateway.decision import permissions_of
from gateway.errors import Conflict, Forbidden, NotFound, Unauthenticated
from gateway.keys import KeyRing
from gateway.resource import Public, Resource
from gateway.tokens import LIFETIME_S, issue
from stack.redis import async_client

SOURCE = "user-service"
WRONG = "the address or the password is wrong"


@dataclass(frozen=True, slots=True)
class Client:
    """Where a login comes from: its network address, and what its program calls itself."""

    address: str | None
    agent: str


async def log_in(units: Units, ring: KeyRing, email: str, password: str, client: Client) -> Any:
    """A session for whoever knows the password.

    An address without an account costs the same work and gets the same answer. No connection is
    held while the password is checked.
    """
    throttle = Throttle(async_client(), settings())
    async with units.begin(Public()) as unit:
        who = f"{unit.institution_id}/{email}"
        await throttle.attempt(who, client.address)
        user = await users.of_email(unit, email)
        hash_ = None if user is None else await repository.password_hash(unit, user.id)
    if not await hashing().is_right(hash_, password) or user is None or hash_ is None:
        raise Unauthenticated(WRONG)
    await throttle.forget(who, client.address)
    fresh = await hashing().hash(password) if hashing().is_outdated(hash_) else None
    async with units.begin(Public()) as unit:
        account = await _let_in(unit, user.id)
        if account.password_hash != hash_:
            raise Unauthenticated(WRONG)  # it was changed while we were checking
        tokens = await begin(unit, ring, str(user.id), method="password", client=client)
    if fresh is not None:
        async with units.begin(Public()) as unit:
            await unit.execute(SQL["rehash"], user_id=user.id, outdated=hash_, fresh=fresh)
    return tokens


async def log_in_by_link(units: Units, ring: KeyRing, token: str, client: Client) -> Any:
    """A session for whoever brings a link that an operator has made; the link is used up."""
    async with units.begin(Public()) as unit:
        user_id = await links.use_sign_in(unit, token)
        return await begin(unit, ring, user_id, method="link", client=client)


async def act_as(unit: Unit, ring: KeyRing, user_id: str) -> dict[str, Any]:
    """An access token with which the caller studies as an invented learner; nothing renews it.

    It ends with the caller's own session, and is no fresh login.
    """
    access_token = await _access_token(unit, ring, user_id, unit.caller.session_id)
    return {"access_token": access_token, "expires_in": LIFETIME_S, "user_id": user_id}


async def begin(
    unit: Unit, ring: KeyRing, user_id: str, *, method: str, client: Client
) -> dict[str, Any]:
    """A new session of somebody who has proven to be this person; they must be active.

    In Redis before the unit ends, so that whoever locks the account afterwards finds the session.
    """
    await _let_in(unit, user_id)
    unit.people.add(user_id)
    session, refresh_token = await sessions().begin(
        unit.institution_id, user_id, method=method, agent=client.agent
    )
    return await _tokens(unit, ring, session, refresh_token)


async def refresh(unit: Unit, ring: KeyRing, token: str) -> dict[str, Any]:
    """The next tokens of a session, with the person's roles as they are now."""
    ticket = store.unseal(token)
    await unit.enter(anonymous(ticket.institution_id))
    account = await repository.for_login(unit, ticket.user_id)
    if account is None or account.status != "active":
        await sessions().end(ticket.user_id, ticket.session_id)
        raise Unauthenticated("the account is not active")
    session, refresh_token = await sessions().refresh(ticket)
    return await _tokens(unit, ring, session, refresh_token)


async def listed(unit: Unit, user_id: str) -> list[dict[str, Any]]:
    return [
        asdict(session) | {"current": session.id == unit.caller.session_id}
        for session in await sessions().of_person(user_id)
        if session.institution_id == unit.institution_id
    ]


async def end(unit: Unit, user_id: str, session_id: UUID) -> None:
    """Log one session out; its access token counts no more from the next request on."""
    if not await sessions().end(user_id, str(session_id)):
        raise NotFound(f"user {user_id} has no session {session_id}")


async def end_all(unit: Unit, user_id: str) -> None:
    """Log the person out everywhere."""
    await sessions().end_all(user_id)


async def shut_out(unit: Unit, user_id: str) -> None:
    """The same, and no token that names the person counts, whoever made it. Call it while the
    account's row is locked: a login under way has made its session by then.
    """
    await sessions().shut_out(user_id)


async def forgot(unit: Unit, wish: Forgotten, client: Client) -> None:
    """Have a link mailed, if there is somebody to mail it to; the asker does not learn which."""
    throttle = Throttle(async_client(), settings())
    await throttle.attempt(f"forgot/{unit.institution_id}/{wish.email}", client.address)
    await asks.ask(unit, "reset", wish)


async def change_password(
    units: Units, person: Resource, user_id: UUID, current: str, new: str, client: Client
) -> None:
    """Set another password, knowing the one there is; every other session ends."""
    throttle = Throttle(async_client(), settings())
    async with units.begin(person) as unit:
        user = await accounts.get(unit, user_id)
        hash_ = await repository.password_hash(unit, user_id)
        if hash_ is None:
            raise Conflict("the account has no password yet: ask for a link to set one")
        personal = [user.name, user.email]
        minimum = settings().password_min_length
        password_rules.check(new, min_length=minimum, personal=personal)
        await throttle.attempt(f"change/{user_id}", client.address)
    if not await hashing().is_right(hash_, current):
        raise Rejected("current: this is not the password")
    await throttle.forget(f"change/{user_id}", client.address)
    fresh = await hashing().hash(new)
    async with units.begin(person) as unit:
        await users.locked(unit, user_id)
        if await repository.password_hash(unit, user_id) != hash_:
            raise Conflict("the password was changed in the meantime")
        await repository.set_password(unit, user_id, fresh)
        await repository.drop_links(unit, user_id)
        unit.emit(UserPasswordChanged(user_id=str(user_id)), source=SOURCE)
        await sessions().end_all(str(user_id), but=unit.caller.session_id)


async def _let_in(unit: Unit, user_id: object) -> repository.Login:
    account = await repository.for_login(unit, user_id)
    if account is None:
        raise Unauthenticated(WRONG)
    if account.status != "active":
        raise Forbidden(f"the account is {account.status}")
    return account


async def _access_token(
    unit: Unit, ring: KeyRing, user_id: str, session_id: str | None, begun_at: float | None = None
) -> str:
    """With the person's roles as they are now; ``begun_at`` is when they logged in."""
    carried = await roles.carried(unit, user_id)
    return await asyncio.to_thread(
        issue,
        ring,
        unit.institution_id,
        user_id=user_id,
        roles=carried,
        permissions=permissions_of(frozenset(carried)),
        session_id=session_id,
        authenticated_at=begun_at,
    )


async def _tokens(
    unit: Unit, ring: KeyRing, session: Session, refresh_token: str
) -> dict[str, Any]:
    access_token = await _access_token(unit, ring, session.user_id, session.id, session.created_at)
    return {
        "access_token": access_token,
        "expires_in": LIFETIME_S,
        "refresh_token": refresh_token,
        "session_id": session.id,
        "user_id": session.user_id,
        "institution_id": session.institution_id,
    }
