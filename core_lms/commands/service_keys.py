"""List, rotate, revoke or add the keys of our own services.

`rotate SERVICE` makes the next key and writes it where the service reads it; the one before counts
for --overlap-hours more, so that nothing has to be restarted at the same moment. Where the key
comes from a variable (LMS_SECRET_SERVICE_KEY_<SERVICE>) it is printed instead, for you to set.
`revoke ID` ends a key at once. `new SERVICE` prints a further one and ends none: for another
institution (--institution), or to set before the first start.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from contracts.errors import Misconfigured
from contracts.ids import DEFAULT_INSTITUTION
from stack.arguments import identifier

GROUP = "operate"


def configure(parser: argparse.ArgumentParser) -> None:
    what = ("list", "rotate", "revoke", "new")
    parser.add_argument("what", nargs="?", default="list", choices=what)
    parser.add_argument("which", nargs="?", help="a service; for revoke the id of a key")
    parser.add_argument(
        "--institution", type=identifier, metavar="ID", help="default: the installation's own"
    )
    parser.add_argument("--overlap-hours", type=float, default=24.0, metavar="N", help="24")


def run(args: argparse.Namespace) -> None:
    if (args.which is not None) != (args.what != "list"):
        raise Misconfigured("say `service-keys rotate SERVICE`, `new SERVICE` or `revoke ID`")
    if args.overlap_hours < 0:
        raise Misconfigured("--overlap-hours is 0 or more")
    institution_id = args.institution or DEFAULT_INSTITUTION
    do = {"list": _list, "rotate": _rotate, "revoke": _revoke, "new": _new}[args.what]
    asyncio.run(_in_unit(institution_id, args.what, lambda unit: do(unit, args)))


Said = Callable[[], str]
"""Gives what to print, once the transaction has committed: no key is anywhere before it counts."""


async def _in_unit(institution_id: str, what: str, do: Callable[[Any], Awaitable[Said]]) -> None:
    from core_lms.access.operator import acting

    async with acting(institution_id, f"service-key.{what}", "service keys") as unit:
        said = await do(unit)
    sys.stdout.write(said())


async def _list(unit: Any, args: argparse.Namespace) -> Said:
    from core_lms.api_keys import services

    lines = []
    for row in await services.listed(unit):
        used = row.last_used_at
        last = "never used" if used is None else f"used {used:%F %H:%M}"
        until = "" if row.expires_at is None else f", until {row.expires_at:%F %T %Z}"
        lines.append(f"{row.id}  {row.service:<12} {row.start}…  {last}{until}\n")
    return lambda: "".join(lines)


async def _rotate(unit: Any, args: argparse.Namespace) -> Said:
    from core_lms.api_keys import services
    from stack import secrets

    key, _ = await services.create(unit, args.which, timedelta(hours=args.overlap_hours))
    name = f"service-key-{args.which}"
    variable = secrets.variable_of(name)
    elsewhere = variable in os.environ or unit.institution_id != DEFAULT_INSTITUTION
    ends = f"the one before counts for {args.overlap_hours:g} hours more"

    def said() -> str:
        if elsewhere:
            return f"{key}\nset it as {variable}; {ends}\n"
        return f"the new key is in {secrets.replace(name, key)}; {ends}\n"

    return said


async def _new(unit: Any, args: argparse.Namespace) -> Said:
    from core_lms.api_keys import services

    key, _ = await services.create(unit, args.which)
    return lambda: f"{key}\n"


async def _revoke(unit: Any, args: argparse.Namespace) -> Said:
    from core_lms.api_keys import services

    try:
        key_id = UUID(args.which)
    except ValueError:
        raise Misconfigured(f"{args.which} is not the id of a key: see `service-keys`") from None
    row = await services.revoke(unit, key_id)
    return lambda: f"{row.id} of {row.service} counts no more\n"
