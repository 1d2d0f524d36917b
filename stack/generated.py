"""Generated files: who makes them, writing them, and what differs from what is stored."""

from __future__ import annotations

import importlib
from pathlib import Path

from stack.profile import REPOSITORY


def generators() -> list[str]:
    """Module names of every ``<package>/generate.py``, found by file name."""
    return sorted(f"{path.parent.name}.generate" for path in REPOSITORY.glob("*/generate.py"))


def generate() -> dict[Path, str]:
    """Text of every generated file in the repository by absolute path."""
    files: dict[Path, str] = {}
    for name in generators():
        made: dict[Path, str] = importlib.import_module(name).generate()
        files.update({REPOSITORY / path: text for path, text in made.items()})
    return files


def write() -> list[Path]:
    """Write what differs; returns the paths written."""
    changed = differences()
    for path, text in changed.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return sorted(changed)


def differences() -> dict[Path, str]:
    """Files that are missing or not what the sources say, with the text they should have."""
    return {
        path: text
        for path, text in generate().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    }
