"""Migrations of the LMS database: numbered files beside the context they belong to, frozen by hash.

A migration is ``core_lms/<context>/migrations/NNNN_name.sql`` (or ``imports/migrations/…``). Its
number is unique across all of them and gives the one order in which a fresh database is built. Once
shipped it is listed in ``FROZEN`` of its folder and never changes again: what a database already
ran cannot be edited.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import Misconfigured
from core_lms.access import role
from stack.postgres import reach_lms
from stack.profile import REPOSITORY

FOLDERS = ("core_lms/*/migrations", "imports/migrations")
FROZEN = "frozen.sha256"
"""In each migrations folder: ``<sha256>  <file>`` per shipped migration, as sha256sum writes it."""

LOCK = 0x4C4D5301
"""Advisory lock held while migrating; a second migrator waits, then finds nothing to do."""

_name = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")

_BOOKKEEPING = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file; ``name`` is ``<context>/<file>``."""

    number: int
    path: Path

    @property
    def name(self) -> str:
        return f"{self.path.parent.parent.name}/{self.path.name}"

    @property
    def sql(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def migrations(root: Path = REPOSITORY) -> list[Migration]:
    """Every migration in order; refuses bad names, double numbers, edited files."""
    found: dict[int, Migration] = {}
    for path in sorted(path for folder in FOLDERS for path in root.glob(f"{folder}/*.sql")):
        match = _name.match(path.name)
        if match is None:
            raise Misconfigured(
                f"{path}: a migration is named like 0042_what_it_does.sql", path=path
            )
        migration = Migration(int(match.group(1)), path)
        other = found.setdefault(migration.number, migration)
        if other is not migration:
            raise Misconfigured(
                f"{migration.name} and {other.name} have the same number; take the next free one",
                path=path,
            )
    for migration in found.values():
        expected = frozen(migration.path.parent).get(migration.path.name)
        if expected not in (None, migration.sha256):
            raise _changed(migration, "the frozen one")
    return [found[number] for number in sorted(found)]


def frozen(folder: Path) -> dict[str, str]:
    """File name → sha256 of the shipped migrations in ``folder``."""
    listing = folder / FROZEN
    if not listing.exists():
        return {}
    lines = listing.read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}


def migrate(url: str | None = None) -> list[str]:
    """Apply what is missing, each migration in its own transaction; returns the names applied.

    Raises ``Retryable`` while the server is away and ``Misconfigured`` where the database ran a
    migration that has changed since.
    """
    pending = migrations()
    with reach_lms(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])  # until the connection closes
        connection.execute(_BOOKKEEPING)
        rows = connection.execute("SELECT name, sha256 FROM schema_migrations").fetchall()
        # By file: a context may have been renamed since, a file never is.
        applied = {str(name).rpartition("/")[2]: str(digest) for name, digest in rows}
        done = []
        for migration in pending:
            digest = migration.sha256
            if migration.path.name in applied:
                if applied[migration.path.name] != digest:
                    raise _changed(migration, "the one this database ran")
                continue
            with connection.transaction():
                connection.execute(migration.sql.encode())
                connection.execute(
                    "INSERT INTO schema_migrations (name, sha256) VALUES (%s, %s)",
                    [migration.name, digest],
                )
            done.append(migration.name)
        role.declare(connection)
    return done


def _changed(migration: Migration, what: str) -> Misconfigured:
    return Misconfigured(
        f"migration {migration.name} differs from {what}: restore it from version control "
        "and write the change as a new migration",
        migration=migration.name,
    )
