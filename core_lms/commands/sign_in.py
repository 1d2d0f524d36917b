"""Print a link that signs in to the pages once.

For whoever runs the installation: it takes the database. The link counts for half an hour
(LMS_SESSIONS_SIGN_IN_LINK_MINUTES) and one use, and is in the audit log as the operator's.
"""

from __future__ import annotations

import argparse
import sys

from contracts.errors import Misconfigured
from contracts.ids import DEFAULT_INSTITUTION
from stack.arguments import identifier

GROUP = "lms"


def configure(parser: argparse.ArgumentParser) -> None:
    who = parser.add_mutually_exclusive_group()
    who.add_argument(
        "--user", type=identifier, metavar="ID", help="as this person (must be active)"
    )
    who.add_argument(
        "--role",
        choices=("student", "instructor", "admin"),
        default="admin",
        help="as the first invented account of this role (default: admin)",
    )
    parser.add_argument(
        "--institution", type=identifier, metavar="ID", help="default: the installation's own"
    )


def run(args: argparse.Namespace) -> None:
    from core_lms.access.operator import person_of_role, sign_in_link
    from stack.http import HttpSettings

    institution_id = args.institution or DEFAULT_INSTITUTION
    user_id = args.user or person_of_role(institution_id, args.role)
    if user_id is None:
        raise Misconfigured(f"there is no invented {args.role} here: say --user ID")
    sys.stdout.write(f"{HttpSettings().pages_address}/sign-in#{sign_in_link(user_id)}\n")
