"""``python -m pipelines.derive``: keep the derived tables up to date until SIGTERM."""

from __future__ import annotations

import logging
import signal
import sys
import threading

from pipelines.derive.process import Derivation


def main() -> int:
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    Derivation(stop).run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
