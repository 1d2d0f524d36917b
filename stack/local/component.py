"""The one interface of everything that runs here: a real server or a process of our own."""

from __future__ import annotations

import shutil
import signal
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from stack import tls
from stack.local.installed import Progress
from stack.profile import profile


@dataclass(frozen=True, slots=True)
class Launch:
    """How a component's process is started: command line, additions to the environment, folder."""

    argv: Sequence[str | Path]
    env: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    """Its working directory; the run folder unless it says otherwise."""


def private(folder: Path) -> Path:
    """Make the folder, for this user alone: what a server keeps is nobody else's to read."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def write_private(path: Path, text: str) -> None:
    """Write a file with a secret: nobody else could ever read it."""
    private(path.parent)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text, encoding="utf-8")


class Component(ABC):
    """One process of the local stack. It holds no state: the profile and its files do."""

    name: ClassVar[str]
    stage: ClassVar[int] = 0
    """One stage starts together; a later stage starts when the earlier ones are ready."""
    stop_order: ClassVar[int] = 0
    """Lower stops earlier: our own processes, then Flink, then the servers they use."""
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    start_timeout_s: ClassVar[float] = 120.0
    stop_timeout_s: ClassVar[float] = 20.0

    @abstractmethod
    def is_installed(self) -> bool:
        """Whether the programs are on the disk."""

    @abstractmethod
    def install(self, progress: Progress) -> None:
        """Fetch the programs; raises Retryable or Misconfigured with the way out."""

    def prepare(self) -> None:
        """Write the configuration and format the data folder; called before each start."""
        return

    @abstractmethod
    def launch(self) -> Launch:
        """The command line."""

    def niceness(self) -> int:
        """How far it stands back where all cores are busy: 0 to 19, as ``nice`` counts."""
        return 0

    @abstractmethod
    def ready(self) -> bool:
        """Whether it answers in its own protocol; never raises for a component that is away."""

    def once_ready(self) -> None:
        """What must exist in it before others use it (databases, topics); idempotent."""
        return

    @abstractmethod
    def ports(self) -> Sequence[int]:
        """The loopback ports it listens on."""

    @abstractmethod
    def address(self) -> str:
        """What a client is given."""

    @abstractmethod
    def version(self) -> str:
        """The version that is installed, or ``-``."""

    @property
    def data(self) -> Path:
        return profile().run / "data" / self.name

    @property
    def conf(self) -> Path:
        return profile().run / "conf" / self.name

    @property
    def certificate(self) -> Path:
        """Its chain and private key, with ``LMS_TLS=local``."""
        return tls.folder() / f"{self.name}.pem"

    @property
    def log_path(self) -> Path:
        return profile().run / "logs" / f"{self.name}.log"

    def wipe(self) -> None:
        """Remove data, configuration and log of this profile; the programs stay."""
        for folder in (self.data, self.conf):
            shutil.rmtree(folder, ignore_errors=True)
        for log in self.log_path.parent.glob(f"{self.log_path.name}*"):
            log.unlink()
