"""Write a snapshot of the feature store as Parquet files, for learnstream verify."""

from __future__ import annotations

import argparse
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("into", type=Path, help="folder for the files, one per table")


def run(args: argparse.Namespace) -> int | None:
    from features import snapshot

    snapshot.write(args.into)
    return None
