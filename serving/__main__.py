"""``python -m serving``: recommendations and search over HTTP."""

from __future__ import annotations

import logging
import sys

from gateway import server
from gateway.logs import log_to_stdout
from serving.app import create_app
from stack.http import HttpSettings


def main() -> int:
    log_to_stdout()
    for noisy in ("httpcore", "qdrant_client"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    return 0 if server.run(create_app(), HttpSettings().serving_port) else 1


if __name__ == "__main__":
    sys.exit(main())
