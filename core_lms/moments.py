"""When something happened, as told by a client that may have been offline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import Field

from contracts.errors import Rejected
from contracts.event import Timestamp

CLOCK_SKEW = timedelta(minutes=5)
"""How far a client's clock may be ahead of ours."""

OccurredAt = Annotated[
    Timestamp | None,
    Field(description="when it happened, for clients that were offline; none means now"),
]


def moment(occurred_at: datetime | None, now: datetime | None = None) -> datetime:
    """``occurred_at`` or now; raises ``Rejected`` where it lies in the future."""
    now = now or datetime.now(UTC)
    if occurred_at is None:
        return now
    if occurred_at > now + CLOCK_SKEW:
        raise Rejected("occurred_at lies in the future")
    return occurred_at
