"""Settings of the feature store."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class FeatureSettings(BaseSettings):
    """``LMS_FEATURES_*``.

    Of imported history the archive knows when it was imported, not when the LMS of that time would
    have had it. It counts as arrived ``import_lag_s`` after its own time, and a grade
    ``marking_lag_days`` after the submission that it is dated by.
    """

    model_config = SettingsConfigDict(env_prefix="LMS_FEATURES_", frozen=True)

    import_lag_s: float = Field(default=0, ge=0)
    marking_lag_days: float = Field(default=7, ge=0)
    skew_rate: float = Field(default=0.01, ge=0, le=1)
    """The share of entities whose served features are logged and compared."""
    skew_kept_days: float = Field(default=14, gt=0)
    """For how long a logged vector is kept."""
    skew_match_min: float = Field(default=0.9999, ge=0, le=1)
    """The least share of equal values with which a model may be promoted."""

    drift_max: float = Field(default=0.25, gt=0)
    """The greatest population stability index with which a model may be promoted."""
    course_refresh_s: float = Field(default=60, gt=0)
    """How often what is known about courses and their learners is refreshed online."""

    @property
    def import_lag(self) -> timedelta:
        return timedelta(seconds=self.import_lag_s)

    @property
    def marking_lag(self) -> timedelta:
        return timedelta(days=self.marking_lag_days)
