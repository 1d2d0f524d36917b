"""Imports data from elsewhere: every ``<source>/importer.py``, and third parties' importers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Protocol

from core_lms.plugins import Point


class Importer(Protocol):
    """A source of ``learnstream import SOURCE``; the first line of its docstring is its help."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add its options."""

    def run(self, args: argparse.Namespace) -> int | None:
        """Import; returns the exit status."""


POINT = Point[Importer](
    "learnstream.importers",
    Importer,
    Path(__file__).parent,
    pattern="*/importer.py",
    about="sources of `learnstream import`",
)
