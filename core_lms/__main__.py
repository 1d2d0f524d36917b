"""``python -m core_lms``: the LMS API as a process, or as several that share its port."""

from __future__ import annotations

import gc
import logging
import sys

from fastapi import FastAPI

from contracts.errors import LearnstreamError
from core_lms import plugins, services
from core_lms.payments import providers
from gateway import server
from gateway.logs import log_to_stdout
from gateway.telemetry import metrics
from stack.http import HttpSettings


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
    started = server.run("core_lms.__main__:application", http.lms_port, workers=http.lms_workers)
    return 0 if started else 1


if __name__ == "__main__":
    sys.exit(main())
