"""Run the long tests: servers killed round after round, and thirty days.

They run on ports and in a folder of their own, beside a demo and beside `learnstream test`, which
leaves them out. A failure names its seed and round: `learnstream soak --seed S --first R` plays
them again. Further words go to pytest: `learnstream soak -- -k rounds`.
"""

from __future__ import annotations

import argparse
import sys

from stack.steps import passes

GROUP = "develop"
SOAK_PROFILE = {"LMS_LOCAL_NAME": "soak", "LMS_LOCAL_PORT_OFFSET": "6000"}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=1, help="what is killed when; default 1")
    parser.add_argument("--rounds", type=int, default=20, help="how many rounds; default 20")
    parser.add_argument("--first", type=int, default=1, help="the round to begin with; default 1")
    parser.add_argument("--days", type=int, default=30, help="how many days; default 30")
    parser.add_argument("pytest", nargs="*", help="paths or options for pytest, after --")


def run(args: argparse.Namespace) -> int:
    options = {
        "LMS_SOAK_SEED": str(args.seed),
        "LMS_SOAK_ROUNDS": str(args.rounds),
        "LMS_SOAK_FIRST": str(args.first),
        "LMS_SOAK_DAYS": str(args.days),
    }
    chosen = ("-m", "soak", "-s", "-q", *(args.pytest or ["tests"]))
    ok = passes("soak", (sys.executable, "-m", "pytest", *chosen), {**SOAK_PROFILE, **options})
    return 0 if ok else 1
