"""The gateway: checks a request's credentials once and passes on who is asking."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.errors import LearnstreamError
from contracts.event import UUID_PATTERN
from contracts.ids import DEFAULT_INSTITUTION
from gateway import problems
from gateway.caller import Caller, anonymous
from gateway.errors import Malformed, Unauthenticated
from gateway.tokens import Keys, Verifier

Scheme = Callable[[str, str], Awaitable[Caller | None]]
"""Credentials and the institution the request names → who that is; None: not of this scheme.

Raises ``Unauthenticated`` for credentials of the scheme that are wrong.
"""

Found = Callable[[Scope], Awaitable[str | None]]
"""Where a process finds a token in a request without an Authorization header (a cookie, say).

Raises ``LearnstreamError`` where there is one that must not count.
"""

_is_id = re.compile(UUID_PATTERN).match
_is_name = re.compile(r"(user|key|machine)/[\w.-]{1,64}", re.ASCII).fullmatch


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
        credentials, institution, behalf = None, DEFAULT_INSTITUTION, None
        for name, value in scope["headers"]:
            if name == b"authorization":
                credentials = value.decode("latin-1")
            elif name == b"x-institution-id":
                institution = value.decode("latin-1")
            elif name == b"x-on-behalf-of":
                behalf = value.decode("latin-1")
        if not _is_id(institution):
            institution = DEFAULT_INSTITUTION  # the route refuses the header by its pattern
        if credentials is None:
            token = await self._found(scope) if self._found is not None else None
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
                return caller if behalf is None else _for(caller, behalf)
        raise Unauthenticated("the access token is not one of ours: log in again")


def by_token(keys: Keys) -> Scheme:
    """JSON Web Tokens that we issued; administrators of everything may name any institution."""
    verifier = Verifier(keys)
    reading = asyncio.Lock()  # one thread reads, however many unknown keys are shown at a time

    async def caller(token: str, institution: str) -> Caller | None:
        found = verifier.known(token)
        if found is None:
            kid = verifier.kid(token)
            if kid is None:
                return None
            if keys.public(kid) is None:
                async with reading:
                    if keys.public(kid) is None:
                        await asyncio.to_thread(keys.refresh)
            found = verifier.verify(token)
        if "admin@global" in found.roles and institution != DEFAULT_INSTITUTION:
            return _elsewhere(found, institution)
        return found

    return caller


def _for(caller: Caller, behalf: str) -> Caller:
    """A service says for whom it asks; from anybody else it says nothing."""
    if caller.service is None:
        return caller
    if not _is_name(behalf):
        raise Malformed("X-On-Behalf-Of is the name of a caller: user/<id>")
    return replace(caller, on_behalf_of=behalf)


def _elsewhere(caller: Caller, institution_id: str) -> Caller:
    return replace(caller, institution_id=institution_id)
