"""A request to the pages' API: the caller, their token, and the processes that answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import Depends, Request
from fastapi.params import Depends as Dependency
from starlette.types import Scope

from dashboards.web import sessions
from dashboards.web.behind import Behind
from dashboards.web.poller import Poller, Viewer
from dashboards.web.sessions import Cookie, Sessions
from gateway.actions import Action, Asked, caller_of
from gateway.caller import Caller
from gateway.errors import Forbidden, NotFound, Relayed, Unauthenticated
from gateway.middleware import Found
from gateway.remembered import Remembered
from stack.http import HttpSettings

SCOPE_KEPT_S = 15.0
"""How long the LMS's answer counts about whose rows a caller sees."""
_MOST = 10_000

NOBODY = "there is no learner by that id whom you may see"
"""The same message for an unknown id and for one the caller may not see."""


@dataclass(frozen=True)
class Web:
    """What the routes use: made once when the process starts."""

    settings: HttpSettings
    cookie: Cookie
    lms: Behind
    serving: Behind
    sessions: Sessions
    poller: Poller
    scopes: Scopes


class Scopes:
    """Whose rows a caller sees, as the LMS says with the caller's own token."""

    def __init__(self, lms: Behind, clock: Callable[[], float] = time.monotonic) -> None:
        self._lms = lms
        self._known = Remembered[tuple[str, str | None], str](_MOST, SCOPE_KEPT_S, clock)

    async def of(self, caller: Caller, token: str, *, anew: bool = False) -> str:
        """``institution``, ``courses`` or ``self``; ``anew`` skips the remembered answer."""
        key = caller.name, caller.session_id
        found = self._known.get(key)
        if not anew and found is not None:
            return found
        answer = await self._lms.ask("GET", "/analytics/scope", token)
        scope = str(answer.json()["scope"])
        self._known.put(key, scope)
        return scope


@dataclass(frozen=True, slots=True)
class Visit(Asked):
    """A caller of the pages' API."""

    web: Web
    secret: str | None
    """What the cookie holds, where the caller came with one."""
    shown: str | None
    """The token the caller came with, or that the cookie led to."""

    async def token(self) -> str:
        """A token that is valid now. Raises ``Unauthenticated`` where the session is over."""
        token = self.shown if self.secret is None else await self.web.sessions.token(self.secret)
        if token is None:
            raise Unauthenticated(f"{self.action} needs somebody who is signed in")
        return token

    async def viewer(self) -> Viewer:
        """The caller as a viewer of dashboards; raises ``Forbidden`` where they see none."""
        if self.caller.kind == "anonymous":
            self.decide("Board", scope="nothing")
        scope = await self.web.scopes.of(self.caller, await self.token())
        self.decide("Board", scope=scope)
        return Viewer(_key(self.caller, scope), scope, self.token)

    async def still(self) -> None:
        """Raises where the caller's session is over or their scope has changed."""
        before = await self.web.scopes.of(self.caller, await self.token())
        if await self.web.scopes.of(self.caller, await self.token(), anew=True) != before:
            raise Forbidden("what you may see has changed: open the page again")

    async def acting(self, learner_id: object) -> str:
        """A token of the learner: the caller's own, or in the local demo an invented learner's.

        Raises ``NotFound`` where the caller may not study as this learner, whatever the reason.
        """
        token = await self.token()
        if str(learner_id) == self.caller.user_id:
            return token
        if not self.web.settings.is_loopback:
            raise NotFound(NOBODY)
        try:
            answer = await self.web.lms.ask("POST", f"/users/{learner_id}/act-as", token)
        except Relayed as refused:
            raise about_a_learner(refused) from None
        return str(answer.json()["access_token"])


def about_a_learner(refused: Relayed) -> Exception:
    """What to raise for a refusal about a learner: unknown and forbidden look alike."""
    if refused.facts["status"] in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
        return NotFound(NOBODY)
    return refused


def _key(caller: Caller, scope: str) -> str:
    """The key that viewers of the same rows share."""
    whose = caller.institution_id if scope == "institution" else caller.name
    return f"{scope}/{whose}"


def found_by(cookie: Cookie) -> Found:
    """Where the gateway finds a token in a request of the pages: the session that ``cookie`` names.

    It raises ``Forbidden`` where another site's page sent the cookie along.
    """

    async def found(scope: Scope) -> str | None:
        secret = cookie.secret_in(scope)
        if secret is None:
            return None
        sessions.require_same_origin(scope)
        web: Web = scope["app"].state.web
        token = await web.sessions.token(secret)
        if token is not None:
            scope["state"]["secret"], scope["state"]["token"] = secret, token
        return token

    return found


@dataclass(frozen=True)
class Visits(Action):
    """The dependency of the pages' API."""

    async def __call__(self, request: Request) -> Visit:
        secret = getattr(request.state, "secret", None)
        token = getattr(request.state, "token", None)
        if secret is None:
            _, _, token = request.headers.get("authorization", "").partition(" ")
        return Visit(caller_of(request), self.action, request.app.state.web, secret, token or None)


def visits(action: str) -> Dependency:
    """``visit: Annotated[Visit, visits("board.read")]`` in a route's signature."""
    return Depends(Visits(action))  # type: ignore[no-any-return]
