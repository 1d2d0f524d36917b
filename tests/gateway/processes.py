"""Every HTTP process of ours, as an application and as what one types to run it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from fastapi import FastAPI

from core_lms.app import create_app as lms
from core_lms.inbox.process import create_app as inbox
from core_lms.inbox.settings import InboxSettings
from dashboards.web.app import create_app as dashboards
from pipelines.monitor.__main__ import create_app as monitor
from serving.app import create_app as serving


@dataclass(frozen=True)
class Process:
    """``port`` is the variable that says where it listens; ``api`` whether it has routes of its
    own, besides health and metrics."""

    module: str
    port: str
    app: Callable[[], FastAPI]
    api: bool = True


PROCESSES = {
    "core_lms": Process("core_lms", "LMS_HTTP_LMS_PORT", lms),
    "serving": Process("serving", "LMS_HTTP_SERVING_PORT", serving),
    "dashboards": Process("dashboards.web", "LMS_HTTP_DASHBOARDS_PORT", dashboards),
    "inbox": Process(
        "core_lms.inbox",
        "LMS_HTTP_INBOX_PORT",
        lambda: inbox(InboxSettings(), [], []),
        api=False,
    ),
    "monitor": Process("pipelines.monitor", "LMS_HTTP_MONITOR_PORT", monitor, api=False),
}
WITH_ROUTES = {name: process.app for name, process in PROCESSES.items() if process.api}


@cache
def application(name: str) -> FastAPI:
    """One for all who read it, ask it or change nothing of it: the LMS's takes a second to build.

    It has the settings of whoever asked first.
    """
    return PROCESSES[name].app()
