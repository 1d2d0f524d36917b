"""Bring the LMS database up to date."""

from __future__ import annotations

import argparse

from core_lms.migrate import migrate
from core_lms.privacy.sealing import seal_existing


def configure(parser: argparse.ArgumentParser) -> None:
    """No options: the database is LMS_POSTGRES_LMS_URL."""


def run(args: argparse.Namespace) -> int:
    applied = migrate()
    for name in applied:
        print(f"applied {name}")
    sealed = seal_existing()
    if sealed:
        print(f"sealed {sealed:,} accounts and texts that were in the clear")
    if not applied and not sealed:
        print("the LMS database is up to date")
    return 0
