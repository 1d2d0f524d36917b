"""How the relay works: ``LMS_OUTBOX_*``."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class OutboxSettings(BaseSettings):
    """The defaults keep p99 low at hundreds of events per second and move thousands per batch."""

    model_config = SettingsConfigDict(env_prefix="LMS_OUTBOX_", frozen=True)

    batch_rows: int = Field(default=2000, ge=1)
    batch_bytes: int = Field(default=8 << 20, ge=1)
    """A batch ends at either bound, so memory stays bounded whatever the events weigh."""
    round_min_s: float = Field(default=0.05, ge=0)
    """After a batch that was not full the next one begins no sooner than this after it: a batch
    costs Kafka, its readers and Postgres about the same, however few events are in it."""
    poll_min_s: float = Field(default=0.002, gt=0)
    poll_max_s: float = Field(default=0.02, gt=0)
    """Pause after finding nothing; it grows from the first to the second."""
    transaction_timeout_s: float = Field(default=10.0, ge=1)
    """How long an abandoned Kafka transaction may hold back read_committed readers."""
    backoff_min_s: float = Field(default=0.2, gt=0)
    backoff_max_s: float = Field(default=5.0, gt=0)
    log_every_s: float = Field(default=10.0, gt=0)
