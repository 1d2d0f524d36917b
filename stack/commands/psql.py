"""Open PostgreSQL's shell on a database, with read rights.

It reads every table of every tenant and writes none; --write makes it the operator's. What follows
-- is for psql: `learnstream psql analytics -- --csv -c 'TABLE sessions'`.
"""

from __future__ import annotations

import argparse
import os
import shutil
from typing import Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from contracts.errors import Misconfigured, Rejected
from stack.postgres import PostgresSettings
from stack.principals import READER, password
from stack.profile import profile

GROUP = "data"
DATABASES = ("lms", "analytics")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--write", action="store_true", help="as the operator, who may everything")
    parser.add_argument(
        "-c", "--command", action="append", default=[], metavar="SQL", help="run it and end"
    )
    parser.add_argument("words", nargs="*", metavar="lms|analytics", help="default lms; -- OPTIONS")


def run(args: argparse.Namespace) -> int | None:
    named = bool(args.words) and args.words[0] in DATABASES
    name, *options = args.words if named else ["lms", *args.words]
    if options and not options[0].startswith("-"):
        raise Rejected(f"there is no database {options[0]!r}: choose from {', '.join(DATABASES)}")
    for command in args.command:
        options += ["-c", command]
    program = _program()
    address, environment = login(name, write=args.write)
    os.execve(program, [program, address, *options], {**os.environ, **environment})


def login(name: str, *, write: bool) -> tuple[str, dict[str, str]]:
    """The address without a password, and the environment with it."""
    settings = PostgresSettings()
    url = settings.lms_url if name == "lms" else settings.analytics_url
    parts: dict[str, Any] = conninfo_to_dict(url)
    if not write:
        parts |= {"user": READER, "password": password(READER)}
    word = str(parts.pop("password", ""))
    return make_conninfo(**parts), {"PGPASSWORD": word, "PGAPPNAME": "learnstream-psql"}


def _program() -> str:
    ours = profile().programs / "postgres/usr/lib/postgresql/17/bin/psql"
    found = str(ours) if ours.exists() else shutil.which("psql")
    if found is None:
        raise Misconfigured("psql is not installed: `learnstream up postgres` brings one")
    return found
