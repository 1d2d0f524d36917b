"""``learnstream token``: whoever has the keys sees the LMS as others do, for a while."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.errors import LearnstreamError, Misconfigured, Rejected
from contracts.ids import new_id
from stack import cli

pytestmark = pytest.mark.integration


@pytest.fixture
def ask(lms: Any, capsys: pytest.CaptureFixture[str]) -> Any:
    def status(path: str, *argv: str) -> int:
        assert cli.call("token", *argv) == 0
        token = capsys.readouterr().out.strip()
        headers = {"Authorization": f"Bearer {token}"}
        return int(lms.http.get(f"/api/v1{path}", headers=headers).status_code)

    return status


def test_a_token_of_a_person_sees_what_the_person_sees(lms: Any, ask: Any) -> None:
    me, other = lms.user(), lms.user()
    assert ask(f"/users/{me}", "--user", me) == 200
    assert ask(f"/users/{other}", "--user", me) == 403
    admin = lms.user("admin")
    assert ask(f"/users/{other}", "--user", admin) == 200


def test_a_token_of_a_role_does_what_the_role_may_everywhere(lms: Any, ask: Any) -> None:
    there = ("--institution", lms.institution_id)
    assert ask("/users", "--role", "admin", *there) == 200
    assert ask("/users", "--role", "student", *there) == 403
    assert ask("/courses", "--role", "student", *there) == 200
    assert ask(f"/users/{lms.user()}", *there) == 200


def test_the_suspended_the_unknown_and_the_endless_get_none(lms: Any) -> None:
    user_id = lms.user()
    body, headers = {"status": "suspended"}, {"If-Match": "*"}
    lms.call("PUT", f"/users/{user_id}/status", json=body, headers=headers)
    refused: list[tuple[type[LearnstreamError], tuple[str, ...]]] = [
        (Rejected, ("--user", user_id)),
        (Rejected, ("--user", new_id())),
        (Misconfigured, ("--minutes", "61")),
        (Misconfigured, ("--user", user_id, "--institution", lms.institution_id)),
    ]
    for error, argv in refused:
        with pytest.raises(error):
            cli.call("token", *argv)


def test_keys_are_listed_rotated_and_revoked_by_command(
    lms: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lms.get("/courses").status_code == 200
    cli.call("keys", "rotate")
    kid = capsys.readouterr().out.split()[0]
    cli.call("keys")
    assert f"{kid}  next" in capsys.readouterr().out
    assert lms.get("/courses").status_code == 200
    cli.call("keys", "revoke", kid)
    capsys.readouterr()
    cli.call("keys")
    assert f"{kid}  retired" in capsys.readouterr().out
    assert lms.get("/courses").status_code == 200
    with pytest.raises(Misconfigured):
        cli.call("keys", "revoke")
