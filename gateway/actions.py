"""The action that a route declares in its signature, and the decision whether its caller may.

Where the facts come from is the process's affair: ``core_lms`` reads them in the unit of work
(``core_lms.units.action``), others bring their own. All declare their action by a dependency that
is an ``Action``, and ``tests/gateway/test_policies.py`` fails for a route that declares none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Header, Request

from contracts.event import UUID_PATTERN
from gateway.caller import Caller
from gateway.decision import allowed
from gateway.errors import Forbidden, Unauthenticated
from gateway.parameters import only_known

InstitutionId = Annotated[
    str | None,
    Header(
        alias="X-Institution-Id",
        pattern=UUID_PATTERN,
        description="the tenant, where the credentials do not say it: anonymous requests, our own "
        "services, administrators of the whole installation",
    ),
]


@dataclass(frozen=True)
class Action:
    """The dependency that declares a route's action; subclasses say what the route gets of it."""

    action: str


def caller_of(request: Request) -> Caller:
    """Who asks for a route's action: where every ``Action`` gets its caller.

    Raises ``RequestValidationError`` for query parameters that the route does not have.
    """
    only_known(request.scope)
    caller: Caller = request.state.caller
    return caller


def decide(
    caller: Caller, action: str, kind: str, facts: Mapping[str, Any], about: object = None
) -> None:
    """Raises ``Forbidden`` where the policies do not let ``caller`` do ``action`` to a resource of
    ``kind`` with these ``facts``, and ``Unauthenticated`` where nobody in particular asked.

    ``about`` names the resource in the refusal; the kind stands for it where there is none.
    """
    if allowed(caller, action, kind, facts):
        return
    if caller.kind == "anonymous":
        raise Unauthenticated(f"{action} needs somebody who is logged in")
    raise Forbidden(f"{action} of {about or kind.lower()} is not for you to do")


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks a route for its action."""

    caller: Caller
    action: str

    def decide(self, kind: str, **facts: Any) -> None:
        """Raises like ``decide``; call it before anything is read for the caller."""
        decide(self.caller, self.action, kind, facts)

    def may(self, kind: str, action: str | None = None, **facts: Any) -> bool:
        """Whether the caller may do the route's action, or another that goes with it."""
        return allowed(self.caller, action or self.action, kind, facts)
