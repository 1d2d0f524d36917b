"""Whoever has the keys may act: tokens for the operator's own tools, renewed before they expire."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import httpx

from contracts.errors import Rejected
from core_lms.sessions import links
from core_lms.unit import Unit
from core_lms.units import transaction
from gateway.caller import Caller
from gateway.decision import permissions_of
from gateway.keys import KeyRing
from gateway.tokens import LIFETIME_S, issue
from stack.postgres import PostgresSettings, connect_lms, pool
from stack.queries import load

RENEW_BEFORE_S = 60
_sql = load(__file__)


@cache
def ring() -> KeyRing:
    return KeyRing()


def token(institution_id: str, name: str, lifetime_s: float = LIFETIME_S) -> str:
    """A token of a machine that may do everything in the institution; blocks for the keys.

    With the role of an administrator of everything, because it makes the first one.
    """
    return issue(
        ring(),
        institution_id,
        roles=["admin@global"],
        permissions=["*"],
        name=name,
        lifetime_s=lifetime_s,
    )


def token_of_role(institution_id: str, role: str, lifetime_s: float = LIFETIME_S) -> str:
    """A token of a machine that may do what people of a role may do everywhere."""
    permissions = permissions_of(frozenset({f"{role}@institution"}))
    return issue(
        ring(), institution_id, permissions=permissions, name="operator", lifetime_s=lifetime_s
    )


def token_of_person(user_id: str, lifetime_s: float = LIFETIME_S) -> str:
    """A token with which one sees the LMS as this person does, as an old login would.

    Raises ``Rejected`` for somebody who is not there or not active.
    """
    institution_id, status, roles = _person(user_id)
    if status != "active":
        raise Rejected(f"user {user_id} is {status}")
    return issue(
        ring(),
        str(institution_id),
        user_id=user_id,
        roles=roles,
        permissions=permissions_of(frozenset(roles)),
        lifetime_s=lifetime_s,
    )


def person_of_role(institution_id: str, role: str) -> str | None:
    """The first active invented account of a role; None where there is none."""
    with connect_lms() as owner:
        values = {"institution_id": institution_id, "role": role}
        row = owner.execute(_sql["invented"], values).fetchone()
    return None if row is None else str(row[0])


def sign_in_link(user_id: str) -> str:
    """What signs its bearer in to the pages as this person, once; audited as the operator's.

    Raises ``Rejected`` for somebody who is not there, ``Conflict`` for somebody not active.
    """
    institution_id, *_ = _person(user_id)
    return asyncio.run(_sign_in_link(str(institution_id), user_id))


def _person(user_id: str) -> tuple[Any, ...]:
    """Institution, status and roles; raises ``Rejected`` for somebody who is not there."""
    with connect_lms() as owner:
        row = owner.execute(_sql["person"], {"user_id": user_id}).fetchone()
    if row is None:
        raise Rejected(f"there is no user {user_id}")
    return tuple(row)


async def _sign_in_link(institution_id: str, user_id: str) -> str:
    async with acting(institution_id, "session.mint-link", f"person {user_id}") as unit:
        return await links.mint_sign_in(unit, user_id)


@asynccontextmanager
async def acting(institution_id: str, action: str, resource: str) -> AsyncIterator[Unit]:
    """A unit of the operator's own tools, audited as theirs."""
    operator = Caller("machine", institution_id, name="machine/operator")
    async with (
        pool(PostgresSettings().app_url) as connections,
        transaction(connections, operator) as unit,
    ):
        unit.action, unit.resource = action, resource
        yield unit


class OperatorAuth(httpx.Auth):
    """``httpx`` authentication of a tool ``name`` that drives the LMS over HTTP."""

    def __init__(self, institution_id: str, name: str) -> None:
        self._institution_id, self._name = institution_id, name
        self._token, self._until = "", float("-inf")

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if time.monotonic() >= self._until:
            self._token = token(self._institution_id, self._name)
            self._until = time.monotonic() + LIFETIME_S - RENEW_BEFORE_S
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request
