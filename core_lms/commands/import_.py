"""Bring data from elsewhere: oulad (a learning analytics dataset), catalogue (courses as files).

A source is a folder core_lms/integration/<source>/ with an importer.py; nothing lists it.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

INTEGRATION = Path(__file__).parent.parent / "integration"


def configure(parser: argparse.ArgumentParser) -> None:
    sources = parser.add_subparsers(dest="source", required=True, metavar="SOURCE")
    for path in sorted(INTEGRATION.glob("*/importer.py")):
        importer = importlib.import_module(f"core_lms.integration.{path.parent.name}.importer")
        about = (importer.__doc__ or "").strip()
        source = sources.add_parser(path.parent.name, help=about.splitlines()[0], description=about)
        importer.configure(source)
        source.set_defaults(importer=importer)


def run(args: argparse.Namespace) -> int | None:
    result: int | None = args.importer.run(args)
    return result
