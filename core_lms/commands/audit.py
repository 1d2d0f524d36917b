"""Verify that the audit log is as it was sealed.

`verify` checks the whole chain and the heads kept in LMS_AUDIT_HEADS: nothing was changed, removed,
inserted or cut off. It names the first broken row and exits with 1 where something was. `head`
prints the last row's position and hash: keep it where the database's owner cannot reach it, and
give it to a later `verify --head`.
"""

from __future__ import annotations

import argparse
import sys

import psycopg
from psycopg.rows import dict_row

from contracts.errors import Misconfigured
from core_lms.audit import heads, redacting, sealer
from core_lms.audit.chain import Head, verify
from core_lms.audit.settings import AuditSettings
from stack.postgres import reach_lms
from stack.queries import load

GROUP = "lms"
LATE_S = 10.0
_sql = load(sealer.__file__)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["verify", "head"])
    parser.add_argument(
        "--head", metavar="POSITION:HASH", action="append", default=[], help="a head kept elsewhere"
    )


def run(args: argparse.Namespace) -> int:
    with reach_lms(row_factory=dict_row) as connection:
        if args.what == "head":
            sys.stdout.write(f"{sealer.head(connection)}\n")
            return 0
        return _verify(connection, [_head(text) for text in args.head])


def _verify(connection: psycopg.Connection[dict[str, object]], given: list[Head]) -> int:
    file = AuditSettings().heads
    known = [*given, *heads.kept(file)]
    redactions = redacting.noted(connection)
    with connection.cursor("audit_log") as rows:  # on the server: the log may be long
        rows.itersize = 5000
        rows.execute(_sql["all"])
        verdict = verify(rows, known, redactions)
    if verdict.broken is not None:
        sys.stdout.write(
            f"BROKEN at position {verdict.broken_at}: {verdict.broken}\n"
            f"the {verdict.rows:,} rows before it are whole\n"
        )
        return 1
    sys.stdout.write(
        f"whole: {verdict.rows:,} rows, {len(known):,} kept heads agree ({file})\n"
        f"head {verdict.head}\n"
    )
    waiting = connection.execute(_sql["waiting"]).fetchone()
    if waiting and waiting["rows"] and float(str(waiting["oldest_s"])) > LATE_S:
        sys.stdout.write(
            f"{waiting['rows']} rows wait to be sealed, the oldest for "
            f"{float(str(waiting['oldest_s'])):.0f} s: is the inbox running (learnstream status)?\n"
        )
    return 0


def _head(text: str) -> Head:
    try:
        return Head.parse(text)
    except ValueError:
        raise Misconfigured(
            f"--head {text}: write POSITION:HASH as printed by audit head"
        ) from None
