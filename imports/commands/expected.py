"""Count what the imported sources amount to (called by `verify`)."""

from __future__ import annotations

import argparse
from pathlib import Path

GROUP = "internal"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("into", type=Path, help="folder for the files, one per table and import")


def run(args: argparse.Namespace) -> int | None:
    from imports.oulad.expected import write_expected

    write_expected(args.into)
    return None
