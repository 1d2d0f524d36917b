"""``python -m core_lms``: the LMS API as a process, or as several that share its port."""

from __future__ import annotations

import gc
import logging
import sys

import uvicorn
from fastapi import FastAPI

from contracts.errors import LearnstreamError
from core_lms import plugins, services
from core_lms.payments import providers
from gateway.logs import log_to_stdout
from gateway.telemetry import metrics
from stack.http import HttpSettings

GRACE_S = 10
"""How long a process that is told to end waits for the answers under way."""


def application() -> FastAPI:
    """What each worker process serves."""
    from core_lms.app import create_app  # not in a parent that only minds its workers

    log_to_stdout()
    app = create_app()
    # What a start makes stays until the end: no collection walks over it again, which otherwise
    # every few hundred requests one of them waits for.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    return app


def main() -> int:
    log_to_stdout()
    http = HttpSettings()
    try:
        services.chosen()
        plugins.check()
        providers.enabled()
        if http.lms_workers > 1:
            metrics.shared_folder()
    except LearnstreamError as error:
        logging.getLogger("core_lms").error(str(error), extra=error.facts)
        return 1
    uvicorn.run(
        "core_lms.__main__:application",
        factory=True,
        workers=http.lms_workers,
        host=http.host,
        port=http.lms_port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,  # paths name learners; metrics and traces count requests
        server_header=False,
        proxy_headers=False,  # LMS_LIMITS_TRUSTED_PROXIES says whom to believe
        timeout_graceful_shutdown=GRACE_S,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
