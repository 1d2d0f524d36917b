"""Cut whole presentations out of OULAD into a small folder.

Example: learnstream sample-oulad ../shared/data/oulad data/oulad-sample GGG/2014B EEE/2014B
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

GROUP = "data"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, help="folder or zip of OULAD")
    parser.add_argument("into", type=Path, help="folder to write the Parquet files to")
    parser.add_argument("presentation", nargs="+", help="MODULE/PRESENTATION, such as GGG/2014B")


def run(args: argparse.Namespace) -> int | None:
    from contracts.errors import Misconfigured
    from imports.oulad.sample import cut

    pairs = []
    for text in args.presentation:
        module, slash, presentation = text.partition("/")
        if not slash:
            raise Misconfigured(f"{text}: write MODULE/PRESENTATION, such as GGG/2014B")
        pairs.append((module, presentation))
    for table, rows in cut(args.source, args.into, pairs).items():
        size = (args.into / f"{table}.parquet").stat().st_size
        sys.stdout.write(f"{table:<20} {rows:>9,} rows {size:>9,} bytes\n")
    return None
