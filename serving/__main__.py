"""``python -m serving``: recommendations and search over HTTP."""

from __future__ import annotations

import logging
import sys

import uvicorn

from serving.app import create_app
from stack import tls
from stack.http import HttpSettings


def main() -> None:
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(message)s")
    for noisy in ("httpx", "httpcore", "qdrant_client"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    settings = HttpSettings()
    uvicorn.run(
        create_app(),
        host=settings.host,
        port=settings.serving_port,
        access_log=False,
        timeout_graceful_shutdown=5,
        **tls.uvicorn_options(),
    )


if __name__ == "__main__":
    main()
