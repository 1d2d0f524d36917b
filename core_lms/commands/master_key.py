"""Show, rotate or protect the master key that wraps all others.

`rotate` adds a new key to the keyset, which wraps from then on, and wraps everything anew; the old
keys stay in the keyset and open what is elsewhere (a backup, a token on its way). `rewrap` is the
second half alone: after the keyset was changed by hand, or a rotation was interrupted. `protect`
encrypts keysets that lie in the clear with the key of LMS_PRIVACY_KMS_URI.
"""

from __future__ import annotations

import argparse
import sys

GROUP = "operate"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", nargs="?", default="show", choices=("show", "rotate", "rewrap", "protect")
    )


def run(args: argparse.Namespace) -> None:
    from core_lms.privacy import rotation
    from stack.keyset import master

    if args.what == "protect":
        for path in rotation.protect():
            sys.stdout.write(f"{path} is encrypted by the KMS\n")
        return
    if args.what == "rotate":
        sys.stdout.write(f"a new master key is in {rotation.rotate()}\n")
    if args.what in ("rotate", "rewrap"):
        for table, rows in rotation.rewrap():
            sys.stdout.write(f"{table}: {rows:,} wrapped anew\n")
        return
    for key_id in sorted(master().key_ids, key=lambda id_: id_ != master().primary_id):
        wraps = "wraps" if key_id == master().primary_id else "opens only"
        sys.stdout.write(f"{key_id:<12} {wraps}\n")
