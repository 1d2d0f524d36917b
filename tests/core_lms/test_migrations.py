"""Migrations are numbered once, applied once, and never edited."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from contracts.errors import Misconfigured, Retryable
from contracts.ids import new_id
from core_lms import migrate as module
from core_lms.generate import frozen_hashes
from core_lms.migrate import FOLDERS, FROZEN, frozen, migrate, migrations
from stack.postgres import PostgresSettings
from stack.profile import REPOSITORY, Profile


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The shipped migrations, to be spoilt."""
    for path in (path for folder in FOLDERS for path in REPOSITORY.glob(f"{folder}/*")):
        target = tmp_path / path.relative_to(REPOSITORY)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return tmp_path


def test_every_migration_is_frozen() -> None:
    unfrozen = [
        migration.name
        for migration in migrations()
        if migration.path.name not in frozen(migration.path.parent)
    ]
    assert not unfrozen, f"{unfrozen} are not frozen: run ./learnstream generate"


def test_a_shipped_migration_that_changed_is_refused(copy: Path) -> None:
    path = copy / "core_lms/users/migrations/0001_users.sql"
    path.write_text(path.read_text() + "-- harmless\n")
    with pytest.raises(Misconfigured, match=r"users/0001_users.sql differs from the frozen one"):
        migrations(copy)


def test_freezing_adds_new_migrations_and_keeps_the_old_hashes() -> None:
    for path, text in frozen_hashes().items():
        assert path.name == FROZEN
        assert (REPOSITORY / path).read_text() == text


def test_two_migrations_with_one_number_are_refused(copy: Path) -> None:
    (copy / "core_lms/users/migrations/0002_more.sql").write_text("SELECT 1;")
    with pytest.raises(Misconfigured, match="same number"):
        migrations(copy)


def test_a_migration_without_a_number_is_refused(copy: Path) -> None:
    (copy / "core_lms/users/migrations/more.sql").write_text("SELECT 1;")
    with pytest.raises(Misconfigured, match="0042_what_it_does"):
        migrations(copy)


def test_a_server_that_is_away_is_something_to_wait_for() -> None:
    with pytest.raises(Retryable, match="LMS_POSTGRES_LMS_URL"):
        migrate("postgresql://operator@127.0.0.1:9/lms")


@pytest.fixture
def empty(stack: Profile) -> Iterator[str]:
    server, name = PostgresSettings().lms_url, f"migrations_{new_id().replace('-', '')}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield psycopg.conninfo.make_conninfo(server, dbname=name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.integration
def test_migrating_twice_changes_nothing(empty: str) -> None:
    assert migrate(empty) == [migration.name for migration in migrations()]
    assert migrate(empty) == []


@pytest.mark.integration
def test_two_that_migrate_at_once_apply_each_migration_once(empty: str) -> None:
    applied: list[str] = []
    threads = [threading.Thread(target=lambda: applied.extend(migrate(empty))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied) == sorted(migration.name for migration in migrations())


@pytest.mark.integration
def test_a_database_that_ran_another_text_is_refused(empty: str) -> None:
    migrate(empty)
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("UPDATE schema_migrations SET sha256 = 'x' WHERE name LIKE 'users/%'")
    with pytest.raises(Misconfigured, match="the one this database ran"):
        migrate(empty)


@pytest.mark.integration
def test_a_migration_that_fails_leaves_nothing_of_itself(
    empty: str, copy: Path, monkeypatch: Any
) -> None:
    text = "CREATE TABLE half (id INT); SELECT 1 / 0;"
    (copy / "core_lms/users/migrations/0999_broken.sql").write_text(text)
    monkeypatch.setattr(module, "migrations", lambda: migrations(copy))
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(empty)
    with psycopg.connect(empty) as connection:
        row = connection.execute("SELECT to_regclass('half'), to_regclass('outbox')::text")
        assert row.fetchone() == (None, "outbox")


@pytest.mark.integration
def test_the_reference_tables_have_the_columns_it_gives_them(empty: str) -> None:
    migrate(empty)
    expected = {
        "users": "id email name role created_at updated_at profile status institution_id",
        "user_roles": "id user_id role_name scope created_at institution_id",
        "courses": "id title description instructor_id created_by status metadata created_at "
        "updated_at institution_id capacity starts_at ends_at published_at copied_from",
        "enrollments": "id user_id course_id progress completed_at status created_at "
        "institution_id dropped_at",
    }
    with psycopg.connect(empty) as connection:
        for table, columns in expected.items():
            rows = connection.execute(
                "SELECT column_name FROM information_schema.columns "
                "WHERE table_name = %s ORDER BY ordinal_position",
                [table],
            ).fetchall()
            found = [row[0] for row in rows]
            assert found[: len(columns.split())] == columns.split()  # ours come after them
