"""Where a local installation lives and which ports it takes: one profile is one folder."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parent.parent


class Profile(BaseSettings):
    """Read from ``LMS_LOCAL_*``; two profiles with different offsets run beside each other."""

    model_config = SettingsConfigDict(env_prefix="LMS_LOCAL_", frozen=True)

    root: Path = REPOSITORY / ".learnstream"
    """Everything installed or written lives under this git-ignored folder."""
    name: str = "demo"
    """Names the run folder: data, logs, pids of one stack."""
    port_offset: int = 0
    """Added to every default port (Kafka 19092, Postgres 15432, …)."""
    task_manager_memory_mb: int = 4096
    """Process memory of the Flink TaskManager, in MiB."""
    task_manager_niceness: int = Field(default=0, ge=0, le=19)
    """How far the TaskManager stands back where all cores are busy, as ``nice`` counts.

    It can use every core, now or later; the archive and the derivation run on one each. Alone with
    them it should stand back (4) where a history is to be in soon; beside more components it then
    comes last, and what happens now is in its tables later (docs/scaling.md).
    """

    supervised: bool = False
    """Whether this process belongs to the local stack, which sets it: pretended money is taken
    there and nowhere else."""

    @property
    def programs(self) -> Path:
        """Downloaded programs (jars, the Postgres tree), shared by all profiles.

        They know their folder, so another name for it would have everybody download them again.
        """
        return self.root / "parts"

    @property
    def run(self) -> Path:
        """Data, configuration, logs and pids of this profile."""
        return self.root / "run" / self.name

    @property
    def artefacts(self) -> Path:
        """Trained models and the semantic index of this profile."""
        return self.run / "artefacts"

    @property
    def demo_mark(self) -> Path:
        """A file that `learnstream demo` makes: what only a demo may do is allowed here."""
        return self.run / "demo"

    def port(self, base: int) -> int:
        """Where this profile has what listens at ``base`` by default."""
        return base + self.port_offset


def profile() -> Profile:
    """The profile of this process (re-read on each call: tests change the environment)."""
    return Profile()
