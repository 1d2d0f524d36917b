"""``python -m core_lms``: the LMS API as a process."""

from __future__ import annotations

import uvicorn

from core_lms.app import create_app
from core_lms.logs import log_to_stdout
from stack.http import HttpSettings


def main() -> None:
    log_to_stdout()
    http = HttpSettings()
    uvicorn.run(
        create_app(),
        host=http.host,
        port=http.lms_port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,  # paths name learners; metrics and traces count requests
        server_header=False,
        timeout_graceful_shutdown=10,
    )


if __name__ == "__main__":
    main()
