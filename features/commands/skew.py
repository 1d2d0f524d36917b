"""Compare what serving read with what the archive says for the same moments.

`./learnstream skew` prints the rates of each feature and fails where fewer are equal than
LMS_FEATURES_SKEW_MATCH_MIN. Serving keeps the share LMS_FEATURES_SKEW_RATE of entities.
"""

from __future__ import annotations

import argparse
import json
import sys

GROUP = "models"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object per feature")


def run(args: argparse.Namespace) -> int | None:
    from features import served, skew
    from stack import postgres
    from stack import redis as stack_redis

    with postgres.connect_analytics(autocommit=True) as connection, stack_redis.client() as client:
        found = skew.measure(connection, served.read(client))
    for one in sorted(found, key=lambda one: one.match_rate):
        figures = one.figures()
        if args.json:
            sys.stdout.write(json.dumps(figures) + "\n")
        else:
            name, *numbers = figures.values()
            sys.stdout.write(f"{name:<45} " + " ".join(f"{n:>10.4f}" for n in numbers) + "\n")
    sys.stdout.write(f"{skew.gate(found):.4%} equal\n")
    return None
