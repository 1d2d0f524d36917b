"""The gateway: looks at a request's credentials once and passes on who is asking."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from secrets import compare_digest

from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.errors import LearnstreamError
from contracts.event import UUID_PATTERN
from contracts.ids import DEFAULT_INSTITUTION
from gateway import problems
from gateway.caller import Caller, anonymous
from gateway.errors import Unauthenticated
from gateway.tokens import Keys, Verifier
from stack.http import service_key

Scheme = Callable[[str, str], Awaitable[Caller | None]]
"""Credentials and the institution the request names → who that is; None: not of this scheme.

Raises ``Unauthenticated`` for credentials of the scheme that are wrong.
"""

Found = Callable[[Scope], str | None]
"""Where a process finds a token in a request without an Authorization header (a cookie, say).

Raises ``LearnstreamError`` where there is one that must not count.
"""

SERVING = ("completed-item.*", "consent.*", "course.*", "enrollment.*", "item.*", "user.read")
"""What our own serving and dashboards ask of the LMS for the learners they are about."""

_is_id = re.compile(UUID_PATTERN).match


class Gateway:
    """Pure ASGI; puts a ``Caller`` at ``request.state.caller``, or the answer 401 beside it."""

    def __init__(self, app: ASGIApp, schemes: Sequence[Scheme], found: Found | None = None) -> None:
        self._app, self._schemes, self._found = app, schemes, found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope["state"] = dict(scope.get("state", {}))
        try:
            state["caller"] = await self._caller(scope)
        except LearnstreamError as error:
            # The limits answer with it, once the guess has cost the guesser's address a token.
            state["caller"], state["refusal"] = None, problems.of(error)
        await self._app(scope, receive, send)

    async def _caller(self, scope: Scope) -> Caller:
        credentials, institution = None, DEFAULT_INSTITUTION
        for name, value in scope["headers"]:
            if name == b"authorization":
                credentials = value.decode("latin-1")
            elif name == b"x-institution-id":
                institution = value.decode("latin-1")
        if not _is_id(institution):
            institution = DEFAULT_INSTITUTION  # the route refuses the header by its pattern
        if credentials is None:
            token = self._found(scope) if self._found is not None else None
            if token is None:
                return anonymous(institution)
            kind = "bearer"
        else:
            kind, _, token = credentials.partition(" ")
        if kind.lower() != "bearer" or not token:
            raise Unauthenticated("the Authorization header is like: Bearer <token>")
        for scheme in self._schemes:
            caller = await scheme(token, institution)
            if caller is not None:
                return caller
        raise Unauthenticated("the access token is not one of ours: log in again")


def by_token(keys: Keys) -> Scheme:
    """JSON Web Tokens that we issued; administrators of everything may name any institution."""
    verifier = Verifier(keys)
    looking = asyncio.Lock()  # one thread looks, however many unknown keys are shown at a time

    async def caller(token: str, institution: str) -> Caller | None:
        found = verifier.known(token)
        if found is None:
            kid = verifier.kid(token)
            if kid is None:
                return None
            if keys.public(kid) is None:
                async with looking:
                    if keys.public(kid) is None:
                        await asyncio.to_thread(keys.look_again)
            found = verifier.verify(token)
        if "admin@global" in found.roles and institution != DEFAULT_INSTITUTION:
            return _elsewhere(found, institution)
        return found

    return caller


def by_service_key() -> Scheme:
    """The one key that our serving and dashboards share with the LMS."""
    key = service_key()

    async def caller(token: str, institution: str) -> Caller | None:
        if not compare_digest(token.encode(), key.encode()):
            return None
        return Caller(
            "machine", institution, permissions=frozenset(SERVING), name="machine/serving"
        )

    return caller


def _elsewhere(caller: Caller, institution_id: str) -> Caller:
    return Caller(
        caller.kind,
        institution_id,
        caller.user_id,
        caller.roles,
        caller.permissions,
        caller.session_id,
        caller.authenticated_at,
        caller.name,
    )
