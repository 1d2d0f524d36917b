"""``python -m pipelines.live``: keep the live counters until stopped."""

from __future__ import annotations

import logging
import signal
import sys
import threading

from pipelines.live.process import run


def main() -> int:
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run(stop)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
