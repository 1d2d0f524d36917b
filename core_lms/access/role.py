"""The database role of the application: its password, and that it is bound to a tenant."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from contracts.errors import Misconfigured
from stack.postgres import PostgresSettings
from stack.queries import load

ROLE = "learnstream_app"

_sql = load(__file__)


def give_password(owner: psycopg.Connection[Any], settings: PostgresSettings) -> None:
    """Let ``ROLE`` log in with the password of ``LMS_POSTGRES_APP_URL``, where that has one.

    An installation whose administrator made another login for the application is left alone.
    """
    given = conninfo_to_dict(settings.app_url)
    if given.get("user") != ROLE or not given.get("password"):
        return
    # The server keeps a verifier; what travels and what a log could show is that, not the password.
    password = owner.pgconn.encrypt_password(str(given["password"]).encode(), ROLE.encode())
    owner.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(
            sql.Identifier(ROLE), sql.Literal(password.decode())
        )
    )


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
            f"or owner of the tables); use {ROLE} or another role that is none of it",
            setting="LMS_POSTGRES_APP_URL",
        )
