"""A new master key, and the keys it wraps wrapped anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from contracts.errors import Misconfigured
from stack import keyset, secrets
from stack.keyset import MASTER, Master, Undecryptable, master
from stack.postgres import reach_lms

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A column of keys under the master key; ``bound_to`` gives the associated data of a row."""

    table: str
    key: str
    column: str
    bound_to: Callable[[Any], bytes]


WRAPPED = (
    Wrapped("person_keys", "user_id", "wrapped_key", lambda id_: f"person_keys/{id_}".encode()),
    Wrapped("signing_keys", "kid", "private_sealed", lambda kid: str(kid).encode()),
    Wrapped("webhooks", "id", "secret_sealed", lambda id_: f"webhook/{id_}".encode()),
    Wrapped("webhooks", "id", "previous_sealed", lambda id_: f"webhook/{id_}".encode()),
    Wrapped("identity_providers", "id", "client_secret_sealed", lambda id_: str(id_).encode()),
    Wrapped(
        "media_keys", "institution_id", "wrapped_keyset", lambda id_: f"media_keys/{id_}".encode()
    ),
    Wrapped("certificate_keys", "kid", "private_sealed", lambda kid: str(kid).encode()),
)


def rotate() -> Path:
    """Write a keyset with a new primary key in the place of the old; returns the file.

    Running processes read it again when they meet something wrapped with the new key. Raises
    ``Misconfigured`` where the keyset comes from the environment.
    """
    return secrets.replace(MASTER, keyset.serialize(keyset.with_new_primary(master().handle)))


def rewrap() -> Iterator[tuple[str, int]]:
    """Wrap everything under the newest master key; yields each table with the rows changed."""
    newest = Master(lambda: secrets.secret(MASTER, str))
    with reach_lms(autocommit=True, row_factory=dict_row) as connection:
        for wrapped in WRAPPED:
            exists = connection.execute("SELECT to_regclass(%s) AS oid", [wrapped.table]).fetchone()
            if exists and exists["oid"] is not None:
                yield (
                    f"{wrapped.table}.{wrapped.column}",
                    sum(_batches(connection, wrapped, newest)),
                )


def _batches(
    connection: psycopg.Connection[dict[str, Any]], wrapped: Wrapped, newest: Master
) -> Iterator[int]:
    names = {
        "table": sql.Identifier(wrapped.table),
        "key": sql.Identifier(wrapped.key),
        "column": sql.Identifier(wrapped.column),
    }
    old = sql.SQL(
        "SELECT {key} AS key, {column} AS sealed FROM {table} "
        "WHERE substring({column} FROM 2 FOR 4) <> %s LIMIT %s FOR UPDATE"
    ).format(**names)
    change = sql.SQL("UPDATE {table} SET {column} = %s WHERE {key} = %s").format(**names)
    current = newest.primary_id.to_bytes(4, "big")
    while True:
        with connection.transaction(), connection.cursor() as cursor:
            rows = cursor.execute(old, [current, BATCH]).fetchall()
            if not rows:
                return
            changes = []
            for row in rows:
                bound = wrapped.bound_to(row["key"])
                try:
                    plain = newest.decrypt(bytes(row["sealed"]), bound)
                except Undecryptable as error:
                    raise Misconfigured(
                        f"{wrapped.table} {row['key']}: {error}; put the keyset back that it was "
                        "wrapped with, then learnstream master-key rewrap",
                        table=wrapped.table,
                    ) from error
                changes.append((newest.encrypt(plain, bound), row["key"]))
            cursor.executemany(change, changes)
        yield len(rows)


def protect() -> list[Path]:
    """Encrypt keysets that lie in the clear with the KMS key that is set now."""
    written = []
    for name in (MASTER, keyset.INDEX):
        handle = keyset.parse_clear(secrets.secret(name, str), name)
        if handle is not None:
            written.append(secrets.replace(name, keyset.serialize(handle)))
    return written
