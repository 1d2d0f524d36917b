"""How background consumers work: ``LMS_INBOX_*``."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class InboxSettings(BaseSettings):
    """The defaults apply an event within about a tenth of a second of its being in Kafka."""

    model_config = SettingsConfigDict(env_prefix="LMS_INBOX_", frozen=True)

    only: str = ""
    """Names of consumers and loops to run, separated by commas; empty means all."""
    batch: int = Field(default=200, ge=1)
    """Most events in one transaction: locks are held until it commits."""
    fetch: int = Field(default=2000, ge=1)
    """Most messages taken from Kafka at once; most of them may be none that is wanted."""
    gather_s: float = Field(default=0.01, ge=0)
    """How long a first message waits for company."""
    attempts: int = Field(default=5, ge=1)
    """How often an event whose handler fails in an unforeseen way is tried before it is set aside;
    ``Retryable`` is no such failure and is never set aside."""
    backoff_min_s: float = Field(default=0.1, gt=0)
    backoff_max_s: float = Field(default=5.0, gt=0)
    hold_s: float = Field(default=60.0, gt=0)
    """A process that stands still in a transaction for longer loses it, and its locks."""
    look_for_partitions_s: float = Field(default=30.0, gt=0)
    pool_size: int = Field(default=8, ge=1)
    """Connections of the process: its consumers and loops wait for a free one."""

    def chosen_names(self) -> frozenset[str]:
        return frozenset(word.strip() for word in self.only.split(",") if word.strip())
