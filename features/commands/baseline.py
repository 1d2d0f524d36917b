"""Store how the features are spread now, for `drift` to compare with.

Reads the archive as of a few moments a week apart, by what training reads. A new baseline replaces
the one before; a feature whose expression changes needs a new one.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

from stack.arguments import moment

GROUP = "models"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("views", nargs="*", metavar="VIEW", help="only these windowed views")
    parser.add_argument(
        "--until", type=moment, metavar="MOMENT", help="the last moment (ISO 8601; default: now)"
    )
    parser.add_argument("--weeks", type=int, default=4, help="how many moments (default: 4)")


def run(args: argparse.Namespace) -> None:
    from features import drift
    from features.catalogue import window_views
    from stack import postgres

    views = window_views(args.views)
    with postgres.connect_analytics(autocommit=True) as connection:
        until = args.until or datetime.now(UTC)
        entities = drift.make_baseline(connection, until, max(args.weeks, 1), views)
    for name, count in entities.items():
        few = "" if count >= drift.ENOUGH else ": too few for a baseline"
        sys.stdout.write(f"{name}: {count} entities until {until:%Y-%m-%d %H:%M}{few}\n")
