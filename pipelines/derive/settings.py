"""Settings of the derived tables: ``LMS_DERIVE_*``."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DeriveSettings(BaseSettings):
    """Changing ``session_gap_minutes`` or ``feedback_window_days`` asks for a rebuild of what was
    made with the old value: ``learnstream rebuild sessions course_learners learner_days``, or
    ``recommendation_feedback``.
    """

    model_config = SettingsConfigDict(env_prefix="LMS_DERIVE_", frozen=True)

    session_gap_minutes: int = Field(default=30, ge=1, le=360)
    """A session ends where a learner does nothing for longer."""
    feedback_window_days: int = Field(default=7, ge=1, le=90)
    """A click, dismissal or completion counts for an offer shown at most so long before."""
    step_events: int = Field(default=100_000, ge=1)
    """Most events of one step: larger is cheaper per event, and later."""
    settle_s: float = Field(default=5.0, ge=0)
    """How long statistics of keys that are due may wait while steps keep coming."""
