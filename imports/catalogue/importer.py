"""Courses and invented people from YAML files (data/open-catalogue), with the events they cause."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from contracts.ids import DEFAULT_INSTITUTION
from imports.catalogue.definition import read
from imports.catalogue.load import load
from stack.profile import REPOSITORY

FOLDER = REPOSITORY / "data" / "open-catalogue"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path",
        type=Path,
        nargs="?",
        default=FOLDER,
        help="folder with people.yaml and courses/ (default: the one of the repository)",
    )


def run(args: argparse.Namespace) -> int:
    catalogue = read(args.path)
    loaded = asyncio.run(load(catalogue, DEFAULT_INSTITUTION))
    items = sum(len(course.items) for course in catalogue.courses)
    print(
        f"{len(catalogue.courses)} courses with {items} items, {len(catalogue.people)} people: "
        f"{loaded.created} rows new, {loaded.updated} changed, {loaded.events} events"
    )
    return 0
