"""Links that sign in once, and acting as somebody invented: only where it harms nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import LearnstreamError
from contracts.ids import new_id
from core_lms.access import operator
from core_lms.sessions import links, settings
from core_lms.sessions.settings import settings as session_settings
from stack import cli
from tests.core_lms.audit.test_audit import queued
from tests.core_lms.sessions.conftest import Person
from tests.core_lms.units import in_unit

pytestmark = pytest.mark.integration


def redeem(lms: Any, token: str) -> Any:
    return lms.http.post("/api/v1/sessions/by-link", json={"token": token})


def minted(who: Person, now: datetime | None = None) -> str:
    return str(
        in_unit(who.lms.institution_id, lambda unit: links.mint_sign_in(unit, who.user_id, now))
    )


def test_a_link_signs_in_once(lms: Any, anybody: Callable[..., Person]) -> None:
    mira = anybody()
    token = minted(mira)
    first, second = redeem(lms, token), redeem(lms, token)
    assert first.status_code == 201, first.text
    assert first.json()["user_id"] == mira.user_id
    assert first.headers["cache-control"] == "no-store"
    assert mira.me(first.json()) == 200
    assert second.status_code == 422
    assert "used already" in second.json()["detail"]


def test_a_link_counts_for_half_an_hour(lms: Any, anybody: Callable[..., Person]) -> None:
    old = minted(anybody(), datetime.now(UTC) - timedelta(minutes=31))
    assert redeem(lms, old).status_code == 422


def test_no_kind_of_link_does_for_another(lms: Any, anybody: Callable[..., Person]) -> None:
    mira = anybody()
    assert redeem(lms, mira.link("reset")).status_code == 422
    assert redeem(lms, mira.link("verify")).status_code == 422
    password = {"token": minted(mira), "password": "seven quiet harbours"}
    assert mira.post("/passwords", password).status_code == 422
    for wrong in ("", "lsl1_AAAA", "x" * 200):
        assert redeem(lms, wrong).status_code == 422, wrong


def test_nobody_who_is_suspended_signs_in(lms: Any, anybody: Callable[..., Person]) -> None:
    mira = anybody()
    token = minted(mira)
    suspended = lms.call(
        "PUT",
        f"/users/{mira.user_id}/status",
        json={"status": "suspended"},
        headers={"If-Match": "*"},
    )
    assert suspended.status_code == 200, suspended.text
    assert redeem(lms, token).status_code == 403
    with pytest.raises(LearnstreamError, match="suspended"):
        operator.sign_in_link(mira.user_id)


def test_the_command_prints_a_link_and_the_audit_log_has_it(
    lms: Any, anybody: Callable[..., Person], capsys: pytest.CaptureFixture[str]
) -> None:
    mira = anybody()
    assert cli.call("sign-in", "--user", mira.user_id) == 0
    address, _, token = capsys.readouterr().out.strip().partition("#")
    assert address.endswith("/sign-in")
    rows = [row for row in queued(lms) if row[1] == "session.mint-link"]
    about = f"person {mira.user_id}"
    assert rows == [("machine/operator", "session.mint-link", about, [mira.user_id])]
    assert redeem(lms, token).status_code == 201


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The local demo, as its supervisor sets it."""
    (tmp_path / "demo").touch()
    monkeypatch.setenv("LMS_SESSIONS_DEMO_MARK", str(tmp_path / "demo"))
    session_settings.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    session_settings.cache_clear()


def account(lms: Any, role: str = "student", **profile: Any) -> str:
    body = {"email": f"{new_id()}@example.org", "name": "Amara", "role": role, "profile": profile}
    return str(lms.made("/users", body)["id"])


def admin(lms: Any) -> Any:
    return lms.person(lms.user("admin"), "admin@institution")


def test_in_the_demo_an_administrator_studies_as_somebody_invented(lms: Any, demo: Any) -> None:
    learner, boss = account(lms, invented=True), admin(lms)
    borrowed = boss.post(f"/users/{learner}/act-as")
    assert borrowed.status_code == 201, borrowed.text
    assert set(borrowed.json()) == {"access_token", "token_type", "expires_in", "user_id"}
    amara = type(lms)(lms.http, lms.database, lms.institution_id, borrowed.json()["access_token"])
    assert amara.get(f"/users/{learner}").status_code == 200
    assert amara.get(f"/users/{lms.user()}").status_code == 403
    [row] = [row for row in queued(lms) if row[1] == "session.act-as"]
    assert row[0].startswith("user/")
    assert row[3] == [learner]
    # It is no login of the learner's: what wants a fresh one is refused.
    assert amara.call("DELETE", f"/users/{learner}").status_code in (403, 404, 405)


def refused(lms: Any, who: Any, learner: str) -> None:
    answer = who.post(f"/users/{learner}/act-as")
    assert answer.status_code == 403, answer.text


def test_nobody_acts_as_somebody_real(lms: Any, demo: Any) -> None:
    boss = admin(lms)
    refused(lms, boss, account(lms))
    # Nor does a profile that says so later make anybody invented.
    mira = account(lms)
    change = {"profile": {"invented": True}}
    lms.call("PATCH", f"/users/{mira}", json=change, headers={"If-Match": "*"})
    assert lms.get(f"/users/{mira}").json()["profile"] == {"invented": True}
    refused(lms, boss, mira)


def test_nobody_gains_a_role_by_acting_as_somebody_invented(lms: Any, demo: Any) -> None:
    refused(lms, admin(lms), account(lms, "admin", invented=True))
    refused(lms, admin(lms), account(lms, "instructor", invented=True))


def test_only_administrators_act_as_anybody_and_machines_never(lms: Any, demo: Any) -> None:
    learner = account(lms, invented=True)
    refused(lms, lms.person(lms.user("instructor"), "instructor@institution"), learner)
    refused(lms, lms.person(account(lms, invented=True)), learner)
    refused(lms, lms, learner)
    key = lms.made("/api-keys", {"name": "robot", "scopes": ["*"]})["key"]
    refused(lms, type(lms)(lms.http, lms.database, lms.institution_id, key), learner)


def test_nobody_acts_as_anybody_outside_of_the_demo(lms: Any, demo: Any) -> None:
    learner, boss = account(lms, invented=True), admin(lms)
    demo.setenv("LMS_SESSIONS_DEMO_MARK", "/nowhere/demo")
    session_settings.cache_clear()
    refused(lms, boss, learner)
    demo.delenv("LMS_SESSIONS_DEMO_MARK")
    session_settings.cache_clear()
    refused(lms, boss, learner)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "lms.example.org"])
def test_nobody_acts_as_anybody_where_others_reach_us(lms: Any, demo: Any, host: str) -> None:
    learner, boss = account(lms, invented=True), admin(lms)
    demo.setenv("LMS_HTTP_HOST", host)
    refused(lms, boss, learner)


def test_the_demo_is_off_by_default() -> None:
    assert settings.SessionSettings().demo() is False
