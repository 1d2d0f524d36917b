"""Consent: the last word counts, every word is kept, and others hear of changes."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.errors import Misconfigured
from stack.consent import ConsentSettings

HERE, THERE = "0190f5a2-7c1e-7b54-9d0a-3f2b6f1f0c11", "0190f5a2-7c1e-7b54-9d0a-3f2b6f1f0c12"


def test_the_default_is_one_of_the_deployment_or_of_an_institution() -> None:
    settings = ConsentSettings(default_consent=f"analytics; {HERE}=personalization,analytics")
    assert settings.by_default(THERE) == {"analytics"}
    assert settings.by_default(HERE) == {"analytics", "personalization"}
    assert ConsentSettings(default_consent="").by_default(HERE) == frozenset()


def test_a_default_with_an_unknown_purpose_is_named() -> None:
    with pytest.raises(Misconfigured, match="names advertising"):
        ConsentSettings(default_consent="advertising")


def given(lms: Any, user_id: str) -> dict[str, bool]:
    items = lms.get(f"/users/{user_id}/consents").json()["items"]
    return {item["purpose"]: item["given"] for item in items}


@pytest.mark.integration
def test_what_was_never_said_is_the_default(lms: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ana = lms.user()
    assert given(lms, ana)["personalization"] is True
    monkeypatch.setenv("LMS_PRIVACY_DEFAULT_CONSENT", f"{lms.institution_id}=communication")
    assert given(lms, ana) == {
        "personalization": False,
        "analytics": False,
        "communication": True,
    }


@pytest.mark.integration
def test_withdrawing_is_told_of_once_and_kept_as_history(lms: Any) -> None:
    ana = lms.user()
    self_ = lms.person(ana)
    for choice in (False, False, True):
        path = f"/users/{ana}/consents/personalization"
        answer = self_.call("PUT", path, json={"given": choice})
        assert (answer.status_code, answer.json()["given"]) == (200, choice)
    emitted = [event for event in lms.events() if event["event_type"].startswith("consent.")]
    assert [event["event_type"] for event in emitted] == ["consent.withdrawn", "consent.given"]
    assert emitted[0]["payload"] == {"user_id": ana, "purpose": "personalization"}
    history = self_.get(f"/users/{ana}/consents/history", limit=1).json()
    assert [(row["given"], row["changed_by"]) for row in history["items"]] == [
        (False, f"user/{ana}")
    ]
    rest = self_.get(f"/users/{ana}/consents/history", cursor=history["next"]).json()
    assert [row["given"] for row in rest["items"]] == [True]


@pytest.mark.integration
def test_history_cannot_be_rewritten_by_the_application(lms: Any) -> None:
    rights = lms.database.execute(
        "SELECT array_agg(privilege_type::text ORDER BY privilege_type) "
        "FROM information_schema.role_table_grants "
        "WHERE grantee = 'learnstream_app' AND table_name = 'consents'"
    ).fetchone()
    assert rights == (["INSERT", "SELECT"],)


@pytest.mark.integration
@pytest.mark.parametrize("body", [{}, {"given": "no"}, {"given": True, "why": "x"}])
def test_a_choice_is_yes_or_no(lms: Any, body: dict[str, Any]) -> None:
    path = f"/users/{lms.user()}/consents/personalization"
    assert lms.call("PUT", path, json=body).status_code == 422
    assert lms.call("PUT", path.replace("personal", "sensational"), json=body).status_code == 422
