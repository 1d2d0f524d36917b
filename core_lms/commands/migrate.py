"""Bring the LMS database up to date, and register our services' keys."""

from __future__ import annotations

import argparse

from contracts.ids import DEFAULT_INSTITUTION
from core_lms.api_keys import services
from core_lms.courses.describing import describe_missing
from core_lms.migrate import migrate
from core_lms.sealing.existing import seal_existing
from stack.postgres import connect_lms

GROUP = "operate"


def configure(parser: argparse.ArgumentParser) -> None:
    """No options: the database is LMS_POSTGRES_LMS_URL."""


def run(args: argparse.Namespace) -> int:
    applied = migrate()
    for name in applied:
        print(f"applied {name}")
    sealed = seal_existing()
    if sealed:
        print(f"sealed {sealed:,} accounts and texts that were in the clear")
    with connect_lms() as owner:
        keyed = services.ensure(owner, DEFAULT_INSTITUTION)
        described = describe_missing(owner)
    if keyed:
        print(f"keys for the LMS: {', '.join(keyed)}")
    if described:
        print(f"published {described:,} titles and places of what courses are made of")
    if not (applied or sealed or keyed or described):
        print("the LMS database is up to date")
    return 0
