"""Print an access token that may do everything in an institution, for ten minutes."""

from __future__ import annotations

import argparse

from contracts.ids import DEFAULT_INSTITUTION
from core_lms.access import operator


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--institution", default=DEFAULT_INSTITUTION, help="its id")


def run(args: argparse.Namespace) -> None:
    print(operator.token(args.institution, "operator"))
