"""Who asks serving for what about whom, and whether they may, before anything is read for them.

The LMS says what the caller is to a learner. It is asked with the caller's own token: it decides,
and its audit log has the access. Oneself needs no question.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Header, Request
from fastapi.params import Depends as Dependency

from contracts.errors import Rejected
from contracts.event import UUID_PATTERN
from gateway.actions import Action, Asked
from gateway.caller import Caller
from gateway.errors import Forbidden, NotFound
from serving.lms import Lms, asking_for

if TYPE_CHECKING:
    from serving.app import Parts

KEPT_S = 30.0
"""How long an answer of the LMS about a relation counts: one that ended lives on for so long."""
MOST = 20_000

NOBODY = "there is no learner by that id whose recommendations you may ask for"
"""The same for an id that nobody has and for one that is not the caller's business."""


@dataclass(frozen=True, slots=True)
class Related:
    """What a caller is to a learner; ``courses`` are those in which they teach them."""

    relations: frozenset[str] = frozenset()
    courses: frozenset[str] = frozenset()

    def within(self, course_id: str | None) -> frozenset[str]:
        """The relations that count for a question about one course, or about all."""
        return self.relations | ({"instructor"} if course_id in self.courses else set())


SELF, NOTHING = Related(frozenset({"self"})), Related()


class Relations:
    """Asks the LMS, and remembers for ``KEPT_S`` what it said, "nothing" included."""

    def __init__(self, lms: Lms, clock: Callable[[], float] = time.monotonic) -> None:
        self._lms, self._clock = lms, clock
        self._known: OrderedDict[tuple[str, str], tuple[float, Related]] = OrderedDict()

    async def of(self, caller: Caller, token: str | None, user_id: str) -> Related:
        """Raises ``Retryable`` while the LMS is away: nobody is let in on old news."""
        if caller.kind != "person" or caller.user_id is None or token is None:
            return NOTHING  # a machine's permission decides
        if caller.user_id == user_id:
            return SELF
        key = caller.user_id, user_id
        found = self._known.get(key)
        if found is not None and self._clock() < found[0]:
            return found[1]
        relations, courses = await self._lms.relations(token, user_id)
        related = Related(relations, courses)
        self._known[key] = self._clock() + KEPT_S, related
        self._known.move_to_end(key)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return related


@dataclass(frozen=True, slots=True)
class Asking(Asked):
    """A caller of the served institution, and the parts that answer."""

    parts: Parts
    token: str | None

    async def related(self, user_id: str) -> Related:
        return await self.parts.relations.of(self.caller, self.token, user_id)


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
        parts: Parts = request.app.state.parts
        caller: Caller = request.state.caller
        served = parts.settings.institution_id
        if institution_id not in (None, served):
            raise Rejected(f"this process serves institution {served}, not {institution_id}")
        if caller.kind != "anonymous" and caller.institution_id != served:
            raise Forbidden("this process serves another institution")
        asking_for.set(caller.name)
        _, _, token = request.headers.get("authorization", "").partition(" ")
        return Asking(caller, self.action, parts, token or None)


def serves(action: str) -> Dependency:
    """``asking: Annotated[Asking, serves("catalogue.search")]`` in a route's signature."""
    return Depends(Serves(action))  # type: ignore[no-any-return]


def nobody() -> NotFound:
    return NotFound(NOBODY)
