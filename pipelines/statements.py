"""The statements of a job's SQL file, repeated where one text serves several grains of time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

Variant = Mapping[str, str]
"""A text for each ``{name}`` in a statement."""


def statements(path: Path, variants: Sequence[Variant] = ()) -> list[str]:
    """The statements in order; they end with a semicolon at a line's end.

    One that names ``{grain}`` comes once for each of the variants, with their texts.
    """
    found: list[str] = []
    for statement in _split(path):
        found += [_render(statement, one) for one in variants if "{grain}" in statement] or [
            statement
        ]
    return found


@cache
def _split(path: Path) -> list[str]:
    text = "\n".join(
        line
        for line in path.read_text(encoding="utf-8").splitlines()
        if not line.lstrip().startswith("--")
    )
    return [one.strip() for one in re.split(r";\s*\n|;\s*$", text) if one.strip()]


def _render(statement: str, variant: Variant) -> str:
    for name, text in variant.items():
        statement = statement.replace(f"{{{name}}}", text)
    return statement
