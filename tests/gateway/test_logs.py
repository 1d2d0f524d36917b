"""Log lines are JSON, and a failure does not quote the row it failed on."""

from __future__ import annotations

import json
import logging
import sys

from gateway.logs import JsonLines


def line(**extra: object) -> dict[str, object]:
    record = logging.makeLogRecord({"name": "a", "levelno": 20, "levelname": "INFO", **extra})
    return dict(json.loads(JsonLines().format(record)))


def test_a_line_has_its_message_and_the_facts_given_with_it() -> None:
    found = line(msg="published %d", args=(3,), batch=7)
    assert (found["message"], found["level"], found["batch"]) == ("published 3", "info", 7)


def test_a_failure_is_logged_without_its_message() -> None:
    message = " ".join(["mira@example.org", "exists"])  # not as one literal: code lines are quoted
    try:
        raise ValueError(message)
    except ValueError:
        found = line(msg="failed", exc_info=sys.exc_info())
    assert found["error"] == "builtins.ValueError"
    assert "test_logs.py" in str(found["traceback"])
    assert "mira@example.org exists" not in json.dumps(found)
