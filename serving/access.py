"""The caller of a request to serving, and whether they may, decided before anything is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.params import Depends as Dependency

from contracts.errors import Rejected
from contracts.event import UUID_PATTERN
from gateway.actions import Action, Asked, caller_of
from gateway.errors import Forbidden, NotFound
from serving.components import Components
from serving.lms import asking_for
from serving.relations import Related

NOBODY = "there is no learner by that id whose recommendations you may ask for"
"""The same message for an unknown id and for one the caller may not see."""


@dataclass(frozen=True, slots=True)
class Asking(Asked):
    """A caller of the served institution, and the components that answer."""

    components: Components
    token: str | None

    async def related(self, user_id: str) -> Related:
        """What the caller is to a learner. Raises ``Retryable`` where the LMS is away."""
        return await self.components.relations.of(self.caller, self.token, user_id)


@dataclass(frozen=True)
class Serves(Action):
    """The dependency of serving's routes."""

    async def __call__(
        self,
        request: Request,
        institution_id: Annotated[
            str | None,
            Header(
                alias="X-Institution-Id",
                pattern=UUID_PATTERN,
                description="default: the served one",
            ),
        ] = None,
    ) -> Asking:
        components: Components = request.app.state.components
        caller = caller_of(request)
        served = components.settings.institution_id
        if institution_id not in (None, served):
            raise Rejected(f"this process serves institution {served}, not {institution_id}")
        if caller.kind != "anonymous" and caller.institution_id != served:
            raise Forbidden("this process serves another institution")
        asking_for.set(caller.name)
        _, _, token = request.headers.get("authorization", "").partition(" ")
        return Asking(caller, self.action, components, token or None)


def serves(action: str) -> Dependency:
    """``asking: Annotated[Asking, serves("catalogue.search")]`` in a route's signature."""
    return Depends(Serves(action))  # type: ignore[no-any-return]


def nobody() -> NotFound:
    """To raise for a learner whom the caller may not see, or who is none."""
    return NotFound(NOBODY)
