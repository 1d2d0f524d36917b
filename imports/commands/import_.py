"""Bring data from elsewhere: oulad (learning analytics), catalogue (courses).

A source is a folder imports/<source>/ with an importer.py, or what an installed
package names under the entry points learnstream.importers; nothing lists it.
"""

from __future__ import annotations

import argparse

from core_lms.plugins import plugins
from imports import POINT

GROUP = "data"


def configure(parser: argparse.ArgumentParser) -> None:
    sources = parser.add_subparsers(dest="source", required=True, metavar="SOURCE")
    for name, importer in plugins(POINT).items():
        about = (importer.__doc__ or name).strip().replace("``", "`")
        source = sources.add_parser(name, help=about.splitlines()[0], description=about)
        importer.configure(source)
        source.set_defaults(importer=importer)


def run(args: argparse.Namespace) -> int | None:
    result: int | None = args.importer.run(args)
    return result
