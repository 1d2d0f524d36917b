"""Print an access token: as the operator, as one person, or as a role.

For whoever runs the installation: it takes the keys and the database. Without a choice the token
may do everything, also make the first administrator. Try it:

  curl -H "Authorization: Bearer $(./learnstream token)" http://127.0.0.1:18000/api/v1/courses
"""

from __future__ import annotations

import argparse

from contracts.errors import Misconfigured
from contracts.ids import DEFAULT_INSTITUTION
from stack.arguments import identifier

GROUP = "lms"


def configure(parser: argparse.ArgumentParser) -> None:
    who = parser.add_mutually_exclusive_group()
    who.add_argument(
        "--user", type=identifier, metavar="ID", help="as this person sees it (must be active)"
    )
    who.add_argument(
        "--role",
        choices=("student", "instructor", "admin"),
        help="what this role may do everywhere; relationships are nobody's",
    )
    parser.add_argument(
        "--institution", type=identifier, metavar="ID", help="default: the installation's own"
    )
    parser.add_argument("--minutes", type=float, metavar="N", help="how long; default 10, up to 60")


def run(args: argparse.Namespace) -> None:
    from core_lms.access import operator
    from gateway.settings import LONGEST_LIFETIME_S
    from gateway.tokens import LIFETIME_S

    lifetime_s = LIFETIME_S if args.minutes is None else args.minutes * 60
    if not 0 < lifetime_s <= LONGEST_LIFETIME_S:
        raise Misconfigured(f"--minutes is up to {LONGEST_LIFETIME_S // 60}")
    institution_id = args.institution or DEFAULT_INSTITUTION
    if args.user is not None:
        if args.institution is not None:
            raise Misconfigured("--user says the institution: leave --institution out")
        print(operator.token_of_person(args.user, lifetime_s))
    elif args.role is not None:
        print(operator.token_of_role(institution_id, args.role, lifetime_s))
    else:
        print(operator.token(institution_id, "operator", lifetime_s))
