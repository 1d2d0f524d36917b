"""Compare what serving read with what the archive says for the same moments.

`./learnstream skew` prints of each feature how many values were compared, the shares that are
equal, null when served alone and null in the archive alone, and the median and greatest difference.
It fails where fewer are equal than LMS_FEATURES_SKEW_MATCH_MIN. Serving keeps what it reads about
the share LMS_FEATURES_SKEW_RATE of learners and items. What was found is kept for the panel *Served
features* and the metric learnstream_feature_match_ratio.
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
        skew.store(connection, found)
    if not args.json:
        heads = ("compared", "equal", "missing", "extra", "diff p50", "diff max")
        sys.stdout.write(f"{'feature':<45} " + " ".join(f"{head:>10}" for head in heads) + "\n")
    for one in sorted(found, key=lambda one: one.match_rate):
        figures = one.figures()
        if args.json:
            sys.stdout.write(json.dumps(figures) + "\n")
        else:
            name, *numbers = figures.values()
            sys.stdout.write(f"{name:<45} " + " ".join(f"{n:>10.4f}" for n in numbers) + "\n")
    equal = skew.gate(found)
    if not args.json:
        sys.stdout.write(
            f"{equal:.4%} of {sum(one.compared for one in found):,} values are equal\n"
        )
    return None
