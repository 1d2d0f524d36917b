"""``python -m dashboards.web``: serve the page until told to stop."""

from __future__ import annotations

from types import FrameType

import uvicorn

from dashboards.web.app import create_app
from stack.http import HttpSettings


class _Server(uvicorn.Server):
    """Tells the open streams to end first, or a page left open would hold up the shutdown."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        board = getattr(self.config.app.state, "board", None)  # type: ignore[union-attr]
        if board is not None:
            board.stopping = True
        super().handle_exit(sig, frame)


def main() -> None:
    settings = HttpSettings()
    config = uvicorn.Config(
        create_app(),
        host=settings.host,
        port=settings.dashboards_port,
        log_level="info",
        access_log=False,
        timeout_graceful_shutdown=3,
    )
    _Server(config).run()


if __name__ == "__main__":
    main()
