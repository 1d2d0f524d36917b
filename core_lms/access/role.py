"""The roles of the application: what they may do, and that a tenant binds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

from contracts.errors import Misconfigured
from stack import roles
from stack.queries import load

GROUP = "learnstream_app"
"""What the application may do; the roles that log in as it are members."""
ROLES = ("lms", "inbox", "relay", "monitor", "reader")
"""Who comes into this database, besides the operator."""
RIGHTS = Path(__file__).with_name("rights.sql")

_sql = load(__file__)


def declare(owner: psycopg.Connection[Any]) -> bool:
    """Give each role what ``rights.sql`` says; whether something had to be done."""
    return roles.declare(owner, RIGHTS, ROLES)


def refuse_bypass(url: str) -> None:
    """Raises ``Misconfigured`` for a login that row-level security does not bind.

    A superuser, a role with BYPASSRLS and the owner of the tables see every tenant. While the
    server is away nothing is said: nobody is served either.
    """
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            row = connection.execute(_sql["bypasses"]).fetchone()
    except psycopg.OperationalError:
        return
    if row is not None and row[1]:
        raise Misconfigured(
            f"LMS_POSTGRES_APP_URL: the role {row[0]} sees every institution (superuser, BYPASSRLS "
            f"or owner of the tables); use lms, or another member of {GROUP} that is none of it",
            setting="LMS_POSTGRES_APP_URL",
        )
