"""The roles of PostgreSQL: one per principal, each with exactly the rights that a file declares.

A database has one such file (``core_lms/access/rights.sql``, ``pipelines/rights.sql``; the schemas
of the feature store have ``features/sql/rights.sql``): plain GRANTs to roles that had nothing
before. The operator runs it after migrations. Unchanged rights on unchanged tables disturb nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from contracts.errors import Retryable
from stack.postgres import MADE_MEANWHILE
from stack.principals import password
from stack.queries import load

_LOCK = 0x4C53_0004  # any constant no other lock of ours uses
_TRIES = 5
_ELSEWHERE = (
    *MADE_MEANWHILE,
    psycopg.errors.InternalError_,  # "tuple concurrently updated"
    psycopg.errors.DeadlockDetected,
)
"""Roles belong to the server: another database's rights may be declared at the same moment."""

Done = TypeVar("Done")

_sql = load(__file__, "roles.sql")


def declare(
    owner: psycopg.Connection[Any],
    rights: Path,
    roles: Sequence[str],
    schemas: Sequence[str] = ("public",),
    **lists: Sequence[str],
) -> bool:
    """Make ``roles`` with their passwords, and give them what ``rights`` says in ``schemas``.

    ``{name}`` in the file is a list of tables, those of ``lists`` that exist. All of it is one
    transaction, so nobody is without their rights for a moment. Returns whether something had to
    be done. Raises ``Retryable`` where others kept changing the same roles.
    """
    return steadily(owner, lambda: _declare(owner, rights, roles, schemas, lists))


def steadily(owner: psycopg.Connection[Any], work: Callable[[], Done]) -> Done:
    """Do ``work`` with roles in one transaction, again where another database was at them too."""
    for _ in range(_TRIES):
        try:
            with owner.transaction():
                owner.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
                return work()
        except _ELSEWHERE as error:
            found = error
    raise Retryable(f"roles are being changed by somebody else: {found}") from found


def _declare(
    owner: psycopg.Connection[Any],
    rights: Path,
    roles: Sequence[str],
    schemas: Sequence[str],
    lists: dict[str, Sequence[str]],
) -> bool:
    with owner.cursor(row_factory=psycopg.rows.tuple_row) as cursor:
        cursor.execute(_sql["relations"].encode(), {"schemas": list(schemas)})
        relations = [str(name) for (name,) in cursor.fetchall()]
        text = rights.read_text(encoding="utf-8")
        for name, tables in lists.items():
            there = [table for table in tables if f"{schemas[0]}.{table}" in relations]
            text = text.replace(f"{{{name}}}", ", ".join(there))
        wanted = _digest(text, relations, {role: password(role) for role in roles})
        cursor.execute(_sql["declared"].encode(), {"schema": schemas[0]})
        if cursor.fetchone() == (wanted,):
            return False
        cursor.execute(_sql["missing"].encode(), {"roles": list(roles)})
        for (role,) in cursor.fetchall():
            cursor.execute(sql.SQL(_sql["create"]).format(sql.Identifier(role)))
        for role in roles:
            cursor.execute(
                sql.SQL(_sql["log_in"]).format(
                    sql.Identifier(role), sql.Literal(verifier(owner, role))
                )
            )
        everybody = sql.SQL(", ").join(map(sql.Identifier, roles))
        for schema in schemas:
            cursor.execute(
                sql.SQL(_sql["revoke"]).format(schema=sql.Identifier(schema), roles=everybody)
            )
        cursor.execute(text.encode())
        cursor.execute(
            sql.SQL(_sql["declare"]).format(sql.Identifier(schemas[0]), sql.Literal(wanted))
        )
    return True


def verifier(owner: psycopg.Connection[Any], role: str) -> str:
    """What the server keeps of a password: this travels, and a log could show it."""
    return owner.pgconn.encrypt_password(password(role).encode(), role.encode()).decode()


def _digest(text: str, relations: Sequence[str], passwords: dict[str, str]) -> str:
    """Everybody may read it, so nobody must be able to try passwords on it."""
    secrets = "\n".join(f"{role}:{word}" for role, word in passwords.items())
    salt = hashlib.sha256("\n".join([text, *relations]).encode()).digest()
    return hashlib.scrypt(secrets.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32).hex()
