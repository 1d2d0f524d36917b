"""``python -m dashboards.web``: serve the pages until a signal stops it."""

from __future__ import annotations

import sys

from dashboards.web.app import create_app
from gateway import server
from gateway.logs import log_to_stdout
from stack.http import HttpSettings


def main() -> int:
    log_to_stdout()
    return 0 if server.run(create_app(), HttpSettings().dashboards_port) else 1


if __name__ == "__main__":
    sys.exit(main())
