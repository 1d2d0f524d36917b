"""Addresses with another login than the one they came with."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from stack.principals import password


def anonymous(url: str) -> str:
    """The address alone: whoever uses it logs in as the principal that it is."""
    parts: dict[str, Any] = conninfo_to_dict(url)
    return make_conninfo(**{k: v for k, v in parts.items() if k not in ("user", "password")})


def of(principal: str, url: str) -> str:
    """The address with the login of ``principal``."""
    return make_conninfo(anonymous(url), user=principal, password=password(principal))


def tried(principal: str, url: str, statement: str) -> str:
    """What the server says to the principal's statement: ``done``, ``refused`` or ``no way in``.

    Nothing stays of it.
    """
    try:
        with psycopg.connect(of(principal, url)) as connection:
            try:
                connection.execute(statement.encode())
            except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction):
                return "refused"
            finally:
                connection.rollback()
    except psycopg.OperationalError:
        return "no way in"
    return "done"


RIGHTS = """
SELECT relation.oid::regclass::text, upper(privilege)
FROM pg_class AS relation,
     unnest(ARRAY['select', 'insert', 'update', 'delete', 'truncate', 'trigger']) AS privilege
WHERE relation.relkind IN ('r', 'p', 'v', 'm', 'S')
  AND relation.relnamespace = ANY (%s::regnamespace[])
  AND NOT EXISTS (SELECT FROM pg_depend
                  WHERE classid = 'pg_class'::regclass AND objid = relation.oid AND deptype = 'e')
  AND has_table_privilege(%s, relation.oid, privilege)
"""


def rights(owner: psycopg.Connection[Any], principal: str, *schemas: str) -> dict[str, set[str]]:
    """Every right of a role on tables, views and sequences of the schemas (``public``)."""
    found: dict[str, set[str]] = {}
    for table, right in owner.execute(RIGHTS, [list(schemas or ("public",)), principal]).fetchall():
        found.setdefault(table, set()).add(right)
    return found
