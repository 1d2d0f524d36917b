"""Settings of the derived tables: ``LMS_DERIVE_*``."""

from __future__ import annotations

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DeriveSettings(BaseSettings):
    """After a change of ``session_gap_minutes`` or ``feedback_window_days``, rebuild what was made
    with the old value: ``learnstream rebuild sessions course_learners learner_days``, or
    ``recommendation_feedback``.
    """

    model_config = SettingsConfigDict(env_prefix="LMS_DERIVE_", frozen=True)

    session_gap_minutes: int = Field(default=30, ge=1, le=360)
    """A session ends where a learner does nothing for longer."""
    feedback_window_days: int = Field(default=7, ge=1, le=90)
    """A click, dismissal or completion counts for an offer shown at most so long before."""
    step_events: int = Field(default=100_000, ge=1)
    """Most events of one step: a larger one costs less per event and takes longer to commit."""
    refresh_s: float = Field(
        default=5.0,
        ge=0,
        validation_alias=AliasChoices("LMS_DERIVE_REFRESH_S", "LMS_DERIVE_SETTLE_S"),
    )
    """How long due statistics may wait for their refresh while steps keep coming, in seconds."""
