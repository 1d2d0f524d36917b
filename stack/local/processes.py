"""Our own processes, run and supervised like the servers they use."""

from __future__ import annotations

import os
import sys
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from contracts.errors import Misconfigured
from stack import tls
from stack.http import HttpSettings
from stack.local.component import Component, Launch
from stack.local.installed import Progress
from stack.local.probe import http_get
from stack.local.record import recorded
from stack.profile import REPOSITORY, profile

_STABLE_AFTER_S = 2.0
"""A process without a port is ready when it has lived this long."""


@dataclass(frozen=True)
class OwnProcess(Component):
    """``python -m MODULE``; with ``port`` it answers on /health/ready."""

    name: str  # type: ignore[misc]  # one class, many components
    module: str
    port: str | None = None
    """The field of HttpSettings that is its port."""

    stage = 1
    stop_order = 0

    def is_installed(self) -> bool:
        return _exists(self.module)

    def install(self, progress: Progress) -> None:
        if not _exists(self.module):
            raise Misconfigured(f"{self.name} cannot start: there is no module {self.module}")

    def launch(self) -> Launch:
        path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
        env = {
            "PYTHONPATH": path,
            "PYTHONUNBUFFERED": "1",
            "LMS_PRINCIPAL": self.name,
            "LMS_LOCAL_SUPERVISED": "true",
        }
        if self.name == "lms":
            env["LMS_SESSIONS_DEMO_MARK"] = str(profile().demo_mark.resolve())
        return Launch([sys.executable, "-m", self.module], env, REPOSITORY)

    def ready(self) -> bool:
        if self.port is None:
            record = recorded(self.name)
            return record is not None and time.time() - record.created > _STABLE_AFTER_S
        return http_get(self.ports()[0], "/health/ready") is not None

    def ports(self) -> Sequence[int]:
        return () if self.port is None else (int(getattr(HttpSettings(), self.port)),)

    def address(self) -> str:
        if self.port is None:
            return "-"
        return f"{tls.scheme('http')}://127.0.0.1:{self.ports()[0]}"

    def version(self) -> str:
        with (REPOSITORY / "pyproject.toml").open("rb") as file:
            return str(tomllib.load(file)["project"]["version"])


def _exists(module: str) -> bool:
    try:
        spec = find_spec(module)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = find_spec(f"{module}.__main__")
        return spec is not None
    except ModuleNotFoundError:
        return False


PROCESSES = (
    OwnProcess("lms", "core_lms", "lms_port"),
    OwnProcess("relay", "core_lms.outbox"),
    OwnProcess("inbox", "core_lms.inbox", "inbox_port"),
    OwnProcess("archive", "pipelines.archive"),
    OwnProcess("derive", "pipelines.derive"),
    OwnProcess("monitor", "pipelines.monitor", "monitor_port"),
    OwnProcess("live", "pipelines.live"),
    OwnProcess("features", "features.push"),
    OwnProcess("serving", "serving", "serving_port"),
    OwnProcess("dashboards", "dashboards.web", "dashboards_port"),
)
