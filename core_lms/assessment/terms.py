"""What holds for one learner at one assessment: dates, time, attempts, with what was granted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core_lms.assessment.attempt_schemas import Accommodation
from core_lms.assessment.schemas import Assessment


@dataclass(frozen=True, slots=True)
class Terms:
    """None: no such limit."""

    opens_at: datetime | None
    due_at: datetime | None
    closes_at: datetime | None
    max_attempts: int | None
    time_limit: timedelta | None
    grace: timedelta

    def expires_at(self, started_at: datetime) -> datetime | None:
        """When an attempt begun at ``started_at`` is over."""
        ends = [self.closes_at] if self.closes_at else []
        if self.time_limit is not None:
            ends.append(started_at + self.time_limit)
        return min(ends, default=None)

    def late(self, at: datetime) -> bool | None:
        """Whether work handed in at ``at`` is late; None where there is no due date."""
        return None if self.due_at is None else at > self.due_at


def terms(assessment: Assessment, granted: Iterable[Accommodation] = ()) -> Terms:
    """The rules of an assessment, eased by what was granted.

    Of several the most generous counts, each in its own respect: they are not added up.
    """
    granted = list(granted)
    factor = max((each.time_factor for each in granted), default=1.0)
    attempts = max((each.extra_attempts for each in granted), default=0)
    extension = timedelta(seconds=max((each.extension_s for each in granted), default=0))
    limit, most = assessment.time_limit_s, assessment.max_attempts
    due_at, closes_at = assessment.due_at, assessment.closes_at
    return Terms(
        opens_at=assessment.opens_at,
        due_at=due_at and due_at + extension,
        closes_at=closes_at and closes_at + extension,
        max_attempts=None if most is None else most + attempts,
        time_limit=None if limit is None else timedelta(seconds=limit * factor),
        grace=timedelta(seconds=assessment.grace_s),
    )
