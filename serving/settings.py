"""Settings of the serving process."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.ids import DEFAULT_INSTITUTION
from gateway.limits.settings import Allowance, Rate


class ServingSettings(BaseSettings):
    """``LMS_SERVING_*``: deadlines of the components behind an answer, and refresh intervals."""

    model_config = SettingsConfigDict(env_prefix="LMS_SERVING_", frozen=True, validate_default=True)

    institution_id: str = DEFAULT_INSTITUTION
    """The institution whose catalogue this process serves."""
    lms_timeout_s: float = 0.5
    """Longest wait for the LMS within one answer; past it the answer says that it is degraded."""
    redis_timeout_s: float = 0.15
    semantic_timeout_s: float = 0.15
    cooldown_s: float = 0.5
    """After a component failed, answers do without it for this long instead of waiting again."""
    catalogue_refresh_s: float = 60.0
    """Full refresh; single courses follow their events at once."""
    popularity_refresh_s: float = 5.0
    model_refresh_s: float = 1.0
    forgetting_s: float = 2.0
    """How often erasures are read from Kafka."""
    offers: Allowance = Rate(0.5, 20)
    """Recommendations a person may ask for, besides the limits of every process: each answer is up
    to 50 impressions."""
    dismissed_days: int = 90
    shown_hours: int = 48
    """How long a recommendation can still be clicked or dismissed."""
