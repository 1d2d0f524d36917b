"""When something happened: by the server's clock, or as a client says that may have been offline.

What a deadline or a seat hangs on goes by the server's clock. What a learner did with an item may
arrive late, within the bounds of the settings. Only imports of history, which is a right that the
policies give (``history.write``), say the time of everything.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.errors import Rejected
from contracts.event import Timestamp
from core_lms.unit import Unit
from core_lms.units import HISTORY
from gateway.errors import Forbidden

OccurredAt = Annotated[
    Timestamp | None,
    Field(
        description="when it happened, for clients that were offline: not older than "
        "`LMS_EVENTS_MAX_AGE_HOURS`; none means now"
    ),
]
ImportedAt = Annotated[
    Timestamp | None,
    Field(
        description="when it happened, for imports of history (`history.write`); everybody else "
        "leaves it out: the server's clock says"
    ),
]


class EventSettings(BaseSettings):
    """How far a client's word about the time is taken: ``LMS_EVENTS_*``."""

    model_config = SettingsConfigDict(env_prefix="LMS_EVENTS_", frozen=True)

    max_age_hours: float = Field(default=72.0, gt=0)
    """What learners did with items longer ago than this is refused."""
    max_ahead_s: float = Field(default=300.0, ge=0)
    """How far a client's clock may be ahead of ours."""


@cache
def settings() -> EventSettings:
    return EventSettings()


def moment(unit: Unit, occurred_at: datetime | None, now: datetime | None = None) -> datetime:
    """``occurred_at`` or now; raises ``Rejected`` where that is ahead of us or too old."""
    now = now or datetime.now(UTC)
    if occurred_at is None:
        return now
    if occurred_at > now + timedelta(seconds=settings().max_ahead_s):
        raise Rejected("occurred_at lies in the future")
    oldest = timedelta(hours=settings().max_age_hours)
    if occurred_at < now - oldest and not HISTORY.of(unit.caller):
        raise Rejected(
            f"occurred_at is older than {settings().max_age_hours:g} hours "
            "(LMS_EVENTS_MAX_AGE_HOURS): only imports bring what is older"
        )
    return occurred_at


def moment_of_import(
    unit: Unit, occurred_at: datetime | None, now: datetime | None = None
) -> datetime:
    """Now by our clock, or what an import says; raises ``Forbidden`` where others say something."""
    if occurred_at is not None and not HISTORY.of(unit.caller):
        raise Forbidden("occurred_at: the server's clock says when this happens; leave it out")
    return moment(unit, occurred_at, now)
