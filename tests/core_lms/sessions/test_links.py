"""Mailed links: one use, one purpose, and nobody learns who has an account."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.ids import new_id
from core_lms.sessions import links
from core_lms.users import service as users
from core_lms.users.settings import UserSettings
from stack.roundtrip import Connection
from tests.core_lms.sessions.conftest import PASSWORD, Person
from tests.core_lms.units import in_unit

pytestmark = pytest.mark.integration
NEW = "seven quiet harbours"


@pytest.fixture
def open_doors(monkeypatch: pytest.MonkeyPatch) -> None:
    """An institution where strangers may register."""
    monkeypatch.setattr(users, "settings", lambda: UserSettings(self_registration=True))


def stranger(lms: Any) -> Person:
    return Person(lms, "", f"{new_id()}@example.org")


def register(person: Person) -> Any:
    return person.ask("/registrations", {"email": person.email, "name": "Mira Okafor"})


def account(person: Person) -> dict[str, Any]:
    [found] = person.lms.get("/users", email=person.email).json()["items"]
    person.user_id = found["id"]
    return dict(found)


def redeem(person: Person, token: str, password: str = NEW) -> int:
    answer = person.post("/passwords", {"token": token, "password": password})
    return int(answer.status_code)


def test_a_stranger_registers_proves_the_address_and_logs_in(lms: Any, open_doors: None) -> None:
    mira = stranger(lms)
    assert register(mira).status_code == 202
    before = account(mira)
    assert (before["status"], before["role"]) == ("inactive", "student")
    assert lms.types() == ["user.created", "user.verification.requested"]
    assert mira.email not in str(lms.events())

    assert redeem(mira, mira.link("verify")) == 204

    after = account(mira)
    assert after["status"] == "active"
    assert after["email_verified_at"] is not None
    assert lms.types()[2:] == ["user.updated", "user.password.changed"]
    assert mira.log_in(NEW).status_code == 201


def test_registering_is_for_administrators_where_the_setting_says_so(lms: Any) -> None:
    assert register(stranger(lms)).status_code == 403


def test_an_address_that_has_an_account_gets_the_same_answer_and_another_mail(
    mira: Person, open_doors: None
) -> None:
    taken, free = register(mira), register(stranger(mira.lms))
    assert (taken.status_code, taken.text) == (free.status_code, free.text)
    assert "user.password.reset.requested" in mira.lms.types()
    assert account(mira)["status"] == "active"
    assert mira.log_in().status_code == 201


def test_two_registrations_at_once_make_one_account(lms: Any, open_doors: None) -> None:
    mira = stranger(lms)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: register(mira).status_code, range(4)))
    assert answers == [202] * 4
    account(mira)
    assert lms.types().count("user.created") == 1


def test_a_forgotten_password_is_set_with_a_link_and_everybody_else_is_out(mira: Person) -> None:
    tokens = mira.tokens()
    answer = mira.ask("/passwords/forgotten", {"email": mira.email})
    unknown = mira.ask("/passwords/forgotten", {"email": f"x{mira.email}"})
    assert (
        (answer.status_code, answer.text)
        == (unknown.status_code, unknown.text)
        == (
            202,
            unknown.text,
        )
    )
    assert mira.lms.types().count("user.password.reset.requested") == 1

    assert redeem(mira, mira.link()) == 204

    assert mira.me(tokens) == 401
    assert mira.log_in(PASSWORD).status_code == 401
    assert mira.log_in(NEW).status_code == 201
    assert account(mira)["email_verified_at"] is not None


@pytest.mark.parametrize(
    ("path", "more"), [("/passwords/forgotten", {}), ("/registrations", {"name": "Mira Okafor"})]
)
def test_the_request_does_the_same_work_whether_the_address_has_an_account(
    mira: Person, open_doors: None, monkeypatch: pytest.MonkeyPatch, path: str, more: Any
) -> None:
    """Before, a known address took a write and its commit more: the clock showed who has one."""
    asked: list[str] = []
    real = Connection.ask

    async def asking(connection: Connection, *statements: Any) -> Any:
        asked.extend(query for query, _ in statements)
        return await real(connection, *statements)

    def work_for(email: str) -> list[str]:
        asked.clear()
        assert mira.post(path, {"email": email, **more}).status_code == 202
        return list(asked)

    work_for(mira.email)  # what is done once is done
    monkeypatch.setattr(Connection, "ask", asking)
    known, unknown = work_for(mira.email), work_for(f"x{mira.email}")
    assert known == unknown
    assert sum("INSERT INTO asks" in query for query in known) == 1
    assert "user.password.reset.requested" not in mira.lms.types(), "not before the answer"
    waiting = mira.lms.database.execute(
        "SELECT sealed FROM asks WHERE institution_id = %s", [mira.lms.institution_id]
    ).fetchall()
    assert len(waiting) == 3
    assert not any(mira.email.encode() in bytes(row[0]) for row in waiting)
    mira.ask("/passwords/forgotten", {"email": mira.email})
    assert "user.password.reset.requested" in mira.lms.types()


def test_a_link_works_once_however_many_open_it(mira: Person) -> None:
    token = mira.link()
    with ThreadPoolExecutor(4) as threads:
        answers = sorted(threads.map(lambda _: redeem(mira, token), range(4)))
    assert answers == [204, 422, 422, 422]


def test_a_link_that_was_used_takes_the_others_with_it(mira: Person) -> None:
    first, second = mira.link(), mira.link()
    assert redeem(mira, first) == 204
    assert redeem(mira, second) == 422


def test_a_bad_password_leaves_the_link_as_it_is(mira: Person) -> None:
    token = mira.link()
    assert redeem(mira, token, "password123") == 422
    assert redeem(mira, token) == 204


def test_a_link_expires(mira: Person) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=2)
    url = in_unit(
        mira.lms.institution_id,
        lambda unit: links.mint(unit, mira.user_id, "reset", long_ago),
    )
    assert redeem(mira, str(url).partition("#")[2]) == 422


@pytest.mark.parametrize("token", ["lsl1_AAAA", "lsl1_" + "A" * 64, "x", "lsl1_§" + "A" * 63])
def test_a_made_up_link_is_refused(mira: Person, token: str) -> None:
    assert redeem(mira, token) == 422


def test_a_link_of_one_institution_opens_nothing_in_another(mira: Person) -> None:
    token = mira.link()
    moved = "lsl1_" + "A" * 22 + token[27:]
    assert redeem(mira, moved) == 422


def test_the_database_holds_no_link_that_works(mira: Person) -> None:
    token = mira.link()
    row = mira.lms.database.execute(
        "SELECT token_hash FROM account_tokens WHERE user_id = %s", [mira.user_id]
    ).fetchone()
    assert bytes(row[0]) not in token.encode()
    assert len(row[0]) == 32


def test_who_is_suspended_gets_no_link_and_the_one_they_have_is_dead(mira: Person) -> None:
    token = mira.link()
    path = f"/users/{mira.user_id}/status"
    body = {"status": "suspended"}
    answer = mira.lms.call("PUT", path, json=body, headers={"If-Match": "*"})
    assert answer.status_code == 200
    assert redeem(mira, token) == 409
    assert (
        in_unit(mira.lms.institution_id, lambda unit: links.mint(unit, mira.user_id, "reset"))
        is None
    )
    mira.ask("/passwords/forgotten", {"email": mira.email})
    assert "user.password.reset.requested" not in mira.lms.types()


def test_a_link_mailed_to_the_old_address_does_not_prove_the_new_one(mira: Person) -> None:
    token = mira.link("verify")
    path = f"/users/{mira.user_id}/email"
    mira.email = f"{new_id()}@example.org"
    answer = mira.lms.call("PUT", path, json={"email": mira.email}, headers={"If-Match": "*"})
    assert answer.status_code == 200
    assert redeem(mira, token) == 204
    assert account(mira)["email_verified_at"] is None
