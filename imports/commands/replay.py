"""Send the days that an import held back over HTTP, in fast motion.

Every request carries the identifier its event would have had in the import, so whatever is
interrupted may be run again; a day that is done is not sent again.
"""

from __future__ import annotations

import argparse
import sys

from contracts.ids import DEFAULT_INSTITUTION
from stack.arguments import identifier

GROUP = "data"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--days", type=int, metavar="N", help="the next N days; default: all")
    parser.add_argument(
        "--speed",
        type=float,
        default=86_400.0,
        metavar="X",
        help="virtual seconds per second; default 86400 (a day each second), 0: no pacing",
    )
    parser.add_argument(
        "--notify",
        action="store_true",
        help="notify people and webhooks of these past events, certificates included",
    )
    parser.add_argument(
        "--institution",
        type=identifier,
        default=DEFAULT_INSTITUTION,
        metavar="UUID",
        help="whose learners they are",
    )


def run(args: argparse.Namespace) -> int | None:
    from contracts.errors import Misconfigured
    from imports.oulad.replay import replay

    if args.speed < 0 or (args.days is not None and args.days < 1):
        raise Misconfigured("--speed is 0 or more, --days is 1 or more")
    done = replay(args.institution, days=args.days, speed=args.speed, notify=args.notify)
    if not done.days:
        sys.stdout.write("nothing to replay: no import holds days back\n")
        return None
    sys.stdout.write(
        f"replayed {len(done.days)} days, {done.days[0]} to {done.days[-1]}: {done.requests:,} "
        f"requests and {done.results:,} final results in {done.seconds:.1f} s\n"
    )
    for answers in done.answers:
        sys.stdout.writelines(answers.lines())
    return None
