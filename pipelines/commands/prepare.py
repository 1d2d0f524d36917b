"""Bring the analytical database up to date.

Idempotent: applies the migrations of pipelines/migrations that the database has not seen.
"""

from __future__ import annotations

import argparse

from pipelines import schema

GROUP = "operate"


def configure(parser: argparse.ArgumentParser) -> None:
    """No options."""


def run(args: argparse.Namespace) -> None:
    applied = schema.prepare()
    print(f"applied {', '.join(applied)}" if applied else "the analytical database is up to date")
