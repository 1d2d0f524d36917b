"""``python -m core_lms.inbox``: the consumers as a process; SIGTERM ends it after their batches."""

from __future__ import annotations

import logging
import sys

from contracts.errors import LearnstreamError
from core_lms.inbox.process import create_app, declared, serve
from core_lms.inbox.settings import InboxSettings
from gateway.logs import log_to_stdout


def main() -> int:
    log_to_stdout()
    log = logging.getLogger("core_lms.inbox")
    settings = InboxSettings()
    try:
        failed = serve(create_app(settings, *declared(settings)))
        if failed is not None:
            raise failed
    except LearnstreamError as error:
        log.error(str(error), extra=error.facts)
        return 1
    log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
