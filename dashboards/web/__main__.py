"""``python -m dashboards.web``: serve the page until told to stop."""

from __future__ import annotations

from types import FrameType

import uvicorn
from fastapi import FastAPI

from dashboards.web.app import create_app
from dashboards.web.board import Board
from stack import tls
from stack.http import HttpSettings


class _Server(uvicorn.Server):
    """Ends cleanly when told to: status 0, and an open page's stream does not hold it up."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Without uvicorn's own handler, which would raise the signal again at the end."""
        app: FastAPI = self.config.app  # type: ignore[assignment]
        board: Board | None = getattr(app.state, "board", None)
        if board is not None:
            board.stopping = True
        self.should_exit = True


def main() -> None:
    settings = HttpSettings()
    config = uvicorn.Config(
        create_app(),
        host=settings.host,
        port=settings.dashboards_port,
        log_level="info",
        access_log=False,
        timeout_graceful_shutdown=3,
        **tls.uvicorn_options(),
    )
    _Server(config).run()


if __name__ == "__main__":
    main()
