"""A database of its own, so that keys can grow old by a clock of the test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from contracts.ids import new_id
from core_lms.migrate import migrate
from stack.postgres import PostgresSettings
from stack.profile import Profile


@dataclass
class Clock:
    """Seconds since the epoch, moved by the test."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, **units: float) -> None:
        seconds = {"days": 86_400, "hours": 3_600, "seconds": 1}
        self.now += sum(seconds[unit] * count for unit, count in units.items())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def _keys_database(stack: Profile) -> Iterator[PostgresSettings]:
    name, settings = f"keys_{new_id().replace('-', '')}", PostgresSettings()

    def there(url: str) -> str:
        return make_conninfo(url, dbname=name)

    with psycopg.connect(settings.lms_url, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            migrate(there(settings.lms_url))
            yield PostgresSettings(lms_url=there(settings.lms_url), app_url=there(settings.app_url))
        finally:
            owner.execute(sql.SQL("DROP DATABASE {} (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def keys_database(_keys_database: PostgresSettings) -> PostgresSettings:
    """Without keys."""
    with psycopg.connect(_keys_database.lms_url, autocommit=True) as owner:
        owner.execute("DELETE FROM signing_keys")
    return _keys_database
