"""SQL by name: ``queries.sql`` beside a repository holds its statements under ``-- name:``.

So does ``resources.sql`` beside a ``resource.py``.
"""

from __future__ import annotations

import re
from pathlib import Path

_heading = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def load(beside: str, file: str = "queries.sql") -> dict[str, str]:
    """The statements of ``file`` in the folder of the module file ``beside``."""
    text = (Path(beside).parent / file).read_text(encoding="utf-8")
    _, *parts = _heading.split(text)
    return dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))
