"""Have the demo's invented people study for an hour, through the real API.

Who studies and what they do is made up by a seeded model; everything after that is real: HTTP,
outbox, Kafka, Flink. The hour ends now, so the charts show it. A name is played once.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

GROUP = "data"


def configure(parser: argparse.ArgumentParser) -> None:
    from imports.catalogue.importer import FOLDER

    parser.add_argument("--minutes", type=int, default=60, help="how long they study (60)")
    parser.add_argument(
        "--speed", type=float, default=120.0, help="times as fast as life; 0: no pacing (120)"
    )
    parser.add_argument("--seed", type=int, default=1, help="another seed is another hour (1)")
    parser.add_argument("--name", default="demo", help="of this hour; a new name plays a new one")
    parser.add_argument(
        "--catalogue", type=Path, default=FOLDER, help="where people and courses are"
    )


def run(args: argparse.Namespace) -> int | None:
    from contracts.errors import Misconfigured
    from contracts.ids import DEFAULT_INSTITUTION
    from imports.study.service import play

    if not 1 <= args.minutes <= 24 * 60 or args.speed < 0:
        raise Misconfigured("--minutes is from 1 to 1440, --speed is 0 or more")
    studied = play(
        args.catalogue,
        DEFAULT_INSTITUTION,
        name=args.name,
        minutes=args.minutes,
        speed=args.speed,
        seed=args.seed,
    )
    if studied.answers is None:
        sys.stdout.write(f"nothing to do: the hour {args.name!r} was studied before\n")
        return None
    sys.stdout.write(
        f"{studied.people} invented learners studied {studied.minutes} minutes in "
        f"{studied.seconds:.1f} s: {studied.actions:,} requests\n"
    )
    sys.stdout.writelines(studied.answers.lines())
    for what, count in sorted(studied.reactions.items()):
        sys.stdout.write(f"  offers   {count:>9,}  {what}\n")
    return None
