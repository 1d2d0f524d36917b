"""A person's data is sealed under their own key, and found without being read."""

from __future__ import annotations

import time
from typing import Any

import psycopg
import pytest

from contracts.errors import Misconfigured
from contracts.ids import new_id
from core_lms.sealing import person
from core_lms.sealing.existing import seal_existing
from stack import cli
from stack.keyset import MASTER, Master, master
from stack.secrets import secret

ANA: dict[str, Any] = {
    "email": "Ana@example.org",
    "name": "Ana Lumière",
    "profile": {"pronouns": "she", "n": 1},
}


def row_of(user_id: str, institution_id: str) -> dict[str, Any]:
    columns = person.seal_new(institution_id, user_id, ANA)
    return {"id": user_id, "erased_at": None, "status": "active", **columns}


def test_what_is_sealed_opens_as_it_was_and_shows_nothing() -> None:
    row = row_of(new_id(), new_id())
    assert "Ana" not in str(row)
    assert person.opened(row) == {**ANA, "id": row["id"], "erased_at": None, "status": "active"}


def test_the_same_text_is_sealed_differently_each_time() -> None:
    key = person.DataKey.new(new_id())
    assert key.seal("users.name", "Ana") != key.seal("users.name", "Ana")


@pytest.mark.parametrize("spoil", ["another person", "another column", "one bit", "another key"])
def test_a_sealed_text_opens_nowhere_else(spoil: str) -> None:
    row, institution_id = row_of(new_id(), new_id()), new_id()
    if spoil == "another person":
        row["id"] = new_id()
    elif spoil == "another column":
        row["name_encrypted"] = row["email_encrypted"]
    elif spoil == "one bit":
        sealed = bytearray(row["name_encrypted"])
        sealed[-1] ^= 1
        row["name_encrypted"] = bytes(sealed)
    else:
        row["wrapped_key"] = row_of(row["id"], institution_id)["wrapped_key"]
    with pytest.raises(Misconfigured, match=row["id"]) as refusal:
        person.opened(row)
    assert "Ana" not in str(refusal.value)


def test_an_address_is_found_in_any_case_and_only_in_its_institution() -> None:
    here, there = new_id(), new_id()
    assert person.email_index(here, "Ana@Example.org ") == person.email_index(here, ANA["email"])
    assert person.email_index(here, ANA["email"]) != person.email_index(there, ANA["email"])


def test_sealing_many_is_fast() -> None:
    """An import of 32,593 learners must not notice: below 100 µs each, by far."""
    institution_id, ids = new_id(), [new_id() for _ in range(2000)]
    started = time.perf_counter()
    for id_ in ids:
        person.seal_new(institution_id, id_, ANA)
    assert (time.perf_counter() - started) / len(ids) < 0.0005


@pytest.mark.integration
def test_no_column_of_an_account_can_be_read_and_the_api_shows_it(lms: Any) -> None:
    name, email = f"Zaphira {new_id()}", f"{new_id()}@example.org"
    user = lms.made("/users", {"email": email, "name": name, "profile": {"town": name}})
    row = lms.database.execute("SELECT u.*::text FROM users u WHERE id = %s", [user["id"]])
    assert name not in str(row.fetchall())
    shown = lms.get(f"/users/{user['id']}").json()
    assert (shown["email"], shown["name"], shown["profile"]) == (email, name, {"town": name})
    with pytest.raises(psycopg.errors.CheckViolation):
        lms.database.execute("UPDATE users SET name = 'Ana' WHERE id = %s", [user["id"]])


@pytest.mark.integration
def test_one_address_is_one_account_of_an_institution(lms: Any) -> None:
    body = {"email": f"{new_id()}@example.org", "name": "Sam"}
    lms.made("/users", body)
    assert lms.post("/users", body | {"email": body["email"].upper()}).status_code == 409
    lms.elsewhere().made("/users", body)


@pytest.mark.integration
def test_accounts_from_before_are_sealed_by_migrating(lms: Any) -> None:
    ids = [new_id() for _ in range(3)]
    with lms.database.transaction():
        lms.database.execute("ALTER TABLE users DROP CONSTRAINT users_hold_no_plaintext")
        for id_ in ids:
            lms.database.execute(
                "INSERT INTO users (id, email, name, role, profile, institution_id) "
                "VALUES (%s, %s, 'Ana Lumière', 'student', '{\"town\": \"Porto\"}', %s)",
                [id_, f"{id_}@example.org", lms.institution_id],
            )
        lms.database.execute(
            "ALTER TABLE users ADD CONSTRAINT users_hold_no_plaintext CHECK ("
            "email = id::TEXT || '@sealed.invalid' AND name = 'sealed' AND profile = '{}' "
            "AND (erased_at IS NULL OR (email_encrypted IS NULL AND name_encrypted IS NULL "
            "AND profile_encrypted IS NULL AND email_index IS NULL))) NOT VALID"
        )
    assert lms.get(f"/users/{ids[0]}").json()["name"] == "Ana Lumière"  # also until then
    assert seal_existing() == 3
    assert seal_existing() == 0
    for id_ in ids:
        shown = lms.get(f"/users/{id_}").json()
        assert (shown["email"], shown["name"]) == (f"{id_}@example.org", "Ana Lumière")
        assert shown["profile"] == {"town": "Porto"}
    rows = lms.database.execute("SELECT u.*::text FROM users u WHERE id = ANY(%s)", [ids])
    assert "Ana" not in str(rows.fetchall())


@pytest.mark.integration
def test_rotating_the_master_key_wraps_every_data_key_anew(
    lms: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [lms.user() for _ in range(3)]
    assert cli.call("master-key", "rotate") == 0
    assert "person_keys.wrapped_key: " in capsys.readouterr().out
    rows = lms.database.execute(
        "SELECT wrapped_key FROM person_keys WHERE user_id = ANY(%s)", [ids]
    ).fetchall()
    newest = Master(lambda: secret(MASTER, str))
    assert all(newest.is_current(bytes(wrapped)) for (wrapped,) in rows)
    assert newest.primary_id in newest.key_ids - {0}
    for id_ in ids:  # by a process that was running all the time
        assert lms.get(f"/users/{id_}").json()["name"] == "Sam Doe"
    assert newest.primary_id in master().key_ids
    lms.user()
