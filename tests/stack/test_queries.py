"""Statements by name, and the columns that a dataclass lists for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from stack.queries import columns, load


@dataclass(frozen=True, slots=True)
class Key:
    id: UUID
    name: str
    secret: str | None = None


def test_a_field_with_a_default_is_no_column() -> None:
    assert columns(Key) == "id, name"
    assert columns(Key, "k") == "k.id, k.name"


def test_a_statement_names_the_columns_of_a_dataclass(tmp_path: Path) -> None:
    (tmp_path / "queries.sql").write_text(
        "-- name: get\nSELECT {key} FROM keys\n\n"
        "-- name: joined\nSELECT {k.key}, '{}'::text[], '{other}' FROM keys AS k\n"
    )
    found = load(str(tmp_path / "repository.py"), key=Key)
    assert found["get"] == "SELECT id, name FROM keys"
    assert found["joined"] == "SELECT k.id, k.name, '{}'::text[], '{other}' FROM keys AS k"
