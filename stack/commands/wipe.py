"""Delete data of this profile: of what is named, or --all. Programs stay."""

from __future__ import annotations

import argparse
import sys

from stack.local import stack
from stack.local.catalogue import named
from stack.profile import profile

GROUP = "start"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("component", nargs="*", help="kafka, postgres, …")
    parser.add_argument("--all", action="store_true", help="everything of this profile")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(args: argparse.Namespace) -> int | None:
    if bool(args.component) == args.all:
        sys.stderr.write("learnstream wipe: name what to remove, or say --all\n")
        return 2
    components = named(args.component)
    what = ", ".join(args.component) or "everything"
    what += f" of profile {profile().name} ({profile().run})"
    if not args.yes and not _agreed(what):
        sys.stderr.write("nothing was removed (say --yes to skip the question)\n")
        return 1
    stack.down(components)
    stack.wipe(components)
    sys.stdout.write(f"removed {what}\n")
    return 0


def _agreed(what: str) -> bool:
    sys.stderr.write(f"Stop and remove {what}? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
