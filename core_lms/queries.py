"""SQL by name: ``queries.sql`` beside a repository holds its statements under ``-- name:``."""

from __future__ import annotations

import re
from pathlib import Path

_heading = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def load(beside: str) -> dict[str, str]:
    """The statements of ``queries.sql`` in the folder of the module file ``beside``."""
    text = (Path(beside).parent / "queries.sql").read_text(encoding="utf-8")
    _, *parts = _heading.split(text)
    return dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))
