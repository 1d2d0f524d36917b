"""Log lines as JSON objects: a message, its named facts, and never a name or an address."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

from gateway import request_ids

_standard = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class JsonLines(logging.Formatter):
    """``{"at", "level", "logger", "message", "request_id" within one, …facts given by extra=}``."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        request_id = request_ids.current()
        if request_id is not None:
            line["request_id"] = request_id
        line |= {name: value for name, value in vars(record).items() if name not in _standard}
        if record.exc_info and record.exc_info[1] is not None:
            line |= _failure(record.exc_info[1])
        return json.dumps(line, default=str)


def _failure(error: BaseException) -> dict[str, str]:
    """Where it failed and as what; without the message, which may quote a row with an address."""
    kind = type(error)
    return {
        "error": f"{kind.__module__}.{kind.__qualname__}",
        "traceback": "".join(traceback.format_tb(error.__traceback__)),
    }


def log_to_stdout(level: int = logging.INFO) -> None:
    """Have all loggers of this process write ``JsonLines`` to stdout, from ``level`` on."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # It would reveal every address it is sent to, and some of them are secrets.
    logging.getLogger("httpx").setLevel(logging.WARNING)
