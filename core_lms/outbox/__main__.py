"""``python -m core_lms.outbox``: the relay as a process; SIGTERM ends it after its round."""

from __future__ import annotations

import logging
import signal
import sys
from threading import Event

from contracts.errors import LearnstreamError
from core_lms.outbox.relay import Relay
from gateway.logs import log_to_stdout


def main() -> int:
    log_to_stdout()
    stop = Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    try:
        Relay(stop).run()
    except LearnstreamError as error:
        logging.getLogger("core_lms.outbox").error(str(error), extra=error.facts)
        return 1
    logging.getLogger("core_lms.outbox").info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
