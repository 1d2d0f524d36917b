"""Flink: where its JobManager is and how a job runs there."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack import tls
from stack.profile import profile


class FlinkSettings(BaseSettings):
    """``LMS_FLINK_*``: cluster address, parallelism, checkpoints."""

    model_config = SettingsConfigDict(env_prefix="LMS_FLINK_", frozen=True)

    rest_host: str = "127.0.0.1"
    rest_port: int = Field(default_factory=lambda: profile().port(18081))
    parallelism: int = 2
    checkpoint_interval_s: float = 5.0
    checkpoint_dir: str = Field(default_factory=lambda: (profile().run / "checkpoints").as_uri())
    """A URI all Flink processes reach: a folder here, an object store on a cluster."""
    jars: Path = Field(default_factory=lambda: profile().programs / "jars" / "flink")
    """Folder of the connectors' jars. Flink's processes have them on their class path (a cluster of
    your own in its ``lib``); whoever submits needs them to plan the jobs."""
    jdbc_driver: str = "PatientDriver"
    """Class with which the sinks connect, on the class path of the TaskManagers: this one waits for
    a PostgreSQL that starts again (``stack/local/classes``); ``org.postgresql.Driver`` does not."""
    mini_batch_latency_ms: int = 1000
    """How long an aggregate gathers rows before it writes: freshness against throughput."""
    state_ttl_h: float = Field(default=168.0, ge=0.002)
    """How long Flink remembers a sum that does not change. Sums are partial, by arrival, a
    seventh of this each, so none is wrong however late an event is; but what waits in Kafka, or in
    a checkpoint, for longer than six sevenths of it has to be made again from the archive."""

    @property
    def part_s(self) -> int:
        """The span of arrival of one partial sum, in seconds."""
        return max(1, int(self.state_ttl_h * 3600 / 7))

    @property
    def rest_url(self) -> str:
        return f"{tls.scheme('flink')}://{self.rest_host}:{self.rest_port}"
