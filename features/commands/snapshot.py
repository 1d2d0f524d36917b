"""Write a snapshot of the feature store to Parquet files (called by `verify`)."""

from __future__ import annotations

import argparse
from pathlib import Path

GROUP = "internal"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("into", type=Path, help="folder for the files, one per table")


def run(args: argparse.Namespace) -> int | None:
    from features import snapshot

    snapshot.write(args.into)
    return None
