"""List, rotate or revoke the keys that sign access tokens.

Keys rotate by age without this (LMS_ACCESS_KEY_ROTATION_DAYS). `rotate` is for a suspicion,
`revoke KID` for a certainty: every token that key has signed is refused, by every process within
30 seconds, and people refresh or log in again.
"""

from __future__ import annotations

import argparse
import sys

from contracts.errors import Misconfigured

GROUP = "operate"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", default="list", choices=("list", "rotate", "revoke"))
    parser.add_argument("kid", nargs="?", help="which key to revoke")


def run(args: argparse.Namespace) -> None:
    from core_lms.access.operator import ring

    if (args.kid is not None) != (args.what == "revoke"):
        raise Misconfigured("say `keys revoke KID`; the other two take no key")
    if args.what == "rotate":
        sys.stdout.write(f"{ring().rotate()} signs in a minute, once everybody has read it\n")
    elif args.what == "revoke":
        ring().revoke(args.kid)
        sys.stdout.write(f"{args.kid} is not accepted any more\n")
    else:
        for key, state in ring().listed():
            until = "" if key.retired_at is None else f", accepted until {key.retired_at:%F %T}"
            sys.stdout.write(f"{key.kid}  {state:<10} signs from {key.signs_from:%F %T}{until}\n")
