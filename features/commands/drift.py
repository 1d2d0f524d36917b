"""Compare how features are spread with their baseline: a PSI of each, and a gate.

Fails where a feature's PSI is above LMS_FEATURES_DRIFT_MAX, and where no feature has a baseline
(`./learnstream baseline`) or enough entities. The monitor shows the last result.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime

from stack.arguments import moment

GROUP = "models"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("views", nargs="*", metavar="VIEW", help="only these windowed views")
    parser.add_argument(
        "--at", type=moment, metavar="MOMENT", help="as of then (ISO 8601; default: now)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object per feature")


def run(args: argparse.Namespace) -> None:
    from features import drift
    from features.catalogue import window_views
    from stack import postgres

    with postgres.connect_analytics(autocommit=True) as connection:
        found = drift.measure(connection, args.at or datetime.now(UTC), window_views(args.views))
    for one in sorted(found, key=lambda one: -one.psi):
        figures = one.figures()
        if args.json:
            sys.stdout.write(json.dumps(figures) + "\n")
        else:
            few = "" if one.judged else "  too few"
            line = f"{figures['feature']:<50} {one.psi:>8.4f} {one.now:>8} {one.then:>8}{few}"
            sys.stdout.write(line + "\n")
    sys.stdout.write(f"the greatest PSI is {drift.gate(found):.4f}\n")
