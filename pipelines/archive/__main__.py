"""``python -m pipelines.archive``: archive what arrives until stopped."""

from __future__ import annotations

import gc
import logging
import signal
import sys
import threading

from pipelines.archive.consumer import Archive


def main() -> int:
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    # A batch is a hundred thousand objects that live until it is stored: collecting garbage after
    # every few hundred of them costs a tenth of the time and frees nothing.
    gc.set_threshold(100_000)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    Archive(stop).run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
