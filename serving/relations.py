"""What a caller is to a learner, as the LMS says it.

The LMS is asked with the caller's own token: it decides, and its audit log has the access. A caller
who asks about themself needs no question.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.caller import Caller
from gateway.remembered import Remembered
from serving.lms import Lms

KEPT_S = 30.0
"""How long the LMS's answer about a relation counts, also after the relation has ended."""
MOST = 20_000


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
    """Asks the LMS and keeps its answer for ``KEPT_S``, also where it is "nothing"."""

    def __init__(self, lms: Lms, clock: Callable[[], float] = time.monotonic) -> None:
        self._lms = lms
        self._known = Remembered[tuple[str, str], Related](MOST, KEPT_S, clock)

    async def of(self, caller: Caller, token: str | None, user_id: str) -> Related:
        """Raises ``Retryable`` while the LMS is away: an expired answer lets nobody in."""
        if caller.kind != "person" or caller.user_id is None or token is None:
            return NOTHING  # a machine's permission decides
        if caller.user_id == user_id:
            return SELF
        key = caller.user_id, user_id
        if (found := self._known.get(key)) is not None:
            return found
        relations, courses = await self._lms.relations(token, user_id)
        related = Related(relations, courses)
        self._known.put(key, related)
        return related
