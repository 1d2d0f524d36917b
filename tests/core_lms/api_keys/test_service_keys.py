"""Keys of our own services: one institution, what they need, and for a person who is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.errors import Misconfigured, Rejected
from contracts.ids import DEFAULT_INSTITUTION
from core_lms.api_keys import keys, services
from stack import cli
from stack.http import ServiceAuth, service_key
from stack.secrets import SecretSettings
from tests.core_lms.audit.test_audit import queued
from tests.core_lms.units import in_unit

pytestmark = pytest.mark.integration


def serving(lms: Any, overlap: timedelta | None = None) -> str:
    key, _ = in_unit(lms.institution_id, lambda unit: services.create(unit, "serving", overlap))
    return str(key)


def ask(lms: Any, key: str, path: str, method: str = "GET", **headers: str) -> Any:
    headers = {"Authorization": f"Bearer {key}"} | headers
    body = {"json": {}} if method != "GET" else {}
    return lms.http.request(method, f"/api/v1{path}", headers=headers, **body)


def asking(lms: Any) -> httpx.Client:
    """A client as serving has it, whose requests the application answers."""

    def answer(request: httpx.Request) -> httpx.Response:
        key = request.headers["Authorization"].removeprefix("Bearer ")
        return httpx.Response(ask(lms, key, request.url.path).status_code)

    return httpx.Client(
        auth=ServiceAuth("serving"),
        transport=httpx.MockTransport(answer),
        base_url="http://lms",
    )


def of(user_id: str) -> dict[str, str]:
    return {"X-On-Behalf-Of": f"user/{user_id}"}


OF_A_PERSON = ("completed-items", "consents", "enrollments")


def test_serving_reads_what_it_needs_for_the_person_it_names(lms: Any) -> None:
    key, learner, course_id = serving(lms), lms.user(), lms.course()
    for path in ("/courses", f"/courses/{course_id}", f"/courses/{course_id}/items"):
        assert ask(lms, key, path).status_code == 200, path
    for about in OF_A_PERSON:
        path = f"/users/{learner}/{about}"
        assert ask(lms, key, path, **of(learner)).status_code == 200, path


@pytest.mark.parametrize("about", OF_A_PERSON)
def test_nothing_about_a_person_is_read_for_nobody(lms: Any, about: str) -> None:
    key, learner = serving(lms), lms.user()
    assert ask(lms, key, f"/users/{learner}/{about}").status_code == 403
    refused = ask(lms, key, f"/users/{learner}/{about}", **{"X-On-Behalf-Of": learner})
    assert refused.status_code == 400
    assert "X-On-Behalf-Of" in refused.json()["detail"]


def test_a_service_key_writes_nothing_and_reads_nothing_else(lms: Any) -> None:
    key, learner, course_id = serving(lms), lms.user(), lms.course()
    item_id = lms.item(course_id)
    for method, path in (
        ("GET", f"/users/{learner}"),
        ("GET", "/users"),
        ("GET", "/audit"),
        ("GET", f"/users/{learner}/export"),
        ("GET", "/api-keys"),
        ("GET", f"/courses/{course_id}/enrollments"),
    ):
        assert ask(lms, key, path, method, **of(learner)).status_code in (403, 404, 405), path
    event = {"user_id": learner, "event_type": "content.completed"}
    for path, body in (
        (f"/courses/{course_id}/items/{item_id}/events", event),
        (f"/courses/{course_id}/enrollments", {"user_id": learner}),
        ("/courses", {"title": "A", "instructor_id": learner}),
    ):
        headers = {"Authorization": f"Bearer {key}", **of(learner)}
        answer = lms.http.post(f"/api/v1{path}", json=body, headers=headers)
        assert answer.status_code == 403, (path, answer.text)
    consent = lms.http.put(
        f"/api/v1/users/{learner}/consents/analytics",
        json={"given": True},
        headers={"Authorization": f"Bearer {key}", **of(learner)},
    )
    assert consent.status_code == 403


def test_a_service_key_is_of_one_institution_whatever_the_request_says(lms: Any) -> None:
    elsewhere = lms.elsewhere()
    key, learner = serving(elsewhere), lms.user()
    named = {"X-Institution-Id": lms.institution_id, **of(learner)}
    assert ask(lms, key, f"/users/{learner}/consents", **named).status_code == 404
    lms.course()
    assert ask(lms, key, "/courses", **named).json()["items"] == []


def test_what_a_service_reads_for_another_is_in_the_audit_log_with_both(lms: Any) -> None:
    key, learner, guardian = serving(lms), lms.user(), lms.user()
    before = queued(lms)
    assert ask(lms, key, f"/users/{learner}/consents", **of(learner)).is_success
    assert queued(lms) == before, "for the learner themselves"
    assert ask(lms, key, f"/users/{learner}/consents", **of(guardian)).is_success
    [row] = [row for row in queued(lms) if row not in before]
    actor = f"machine/serving for user/{guardian}"
    assert row == (actor, "consent.read", f"person {learner}", [learner])


def test_nobody_else_acts_on_behalf_of_anybody(lms: Any) -> None:
    learner = lms.user()
    key = lms.made("/api-keys", {"name": "serving", "scopes": ["consent.read"]})["key"]
    assert ask(lms, key, f"/users/{learner}/consents", **of(learner)).is_success
    (row,) = [row for row in queued(lms) if row[1] == "consent.read"]
    assert row[0].startswith("key/"), "it is in the log as itself"


def test_after_a_rotation_both_keys_count_until_the_overlap_ends(lms: Any) -> None:
    first = serving(lms)
    second = serving(lms, timedelta(hours=2))
    for key in (first, second):
        assert ask(lms, key, "/courses").status_code == 200
    listed = in_unit(lms.institution_id, services.listed)
    old, new = sorted(listed, key=lambda row: row.created_at)
    until = old.expires_at - datetime.now(UTC)
    assert timedelta(minutes=119) < until <= timedelta(hours=2)
    assert new.expires_at is None
    # What a process remembers of a key it remembers for seconds: ask as one that has just begun.
    lms.database.execute(
        "UPDATE api_keys SET expires_at = now() - interval '1 s' WHERE id = %s", [old.id]
    )
    found = lms.database.execute("SELECT * FROM api_key_in_use(%s)", [keys.digest(first)])
    assert found.fetchall() == []
    third = serving(lms, timedelta(0))
    assert ask(lms, third, "/courses").status_code == 200


def test_a_revoked_service_key_is_refused_at_once(lms: Any) -> None:
    key = serving(lms)
    assert ask(lms, key, "/courses").status_code == 200
    [row] = in_unit(lms.institution_id, services.listed)
    assert lms.get(f"/api-keys/{row.id}").json()["service"] == "serving"
    in_unit(lms.institution_id, lambda unit: services.revoke(unit, row.id))
    assert ask(lms, key, "/courses").status_code == 401
    assert lms.types()[-2:] == ["api_key.created", "api_key.revoked"]


def test_the_command_revokes_no_ordinary_key_and_knows_its_services(lms: Any) -> None:
    ordinary = lms.made("/api-keys", {"name": "robot", "scopes": ["course.list"]})["id"]
    with pytest.raises(Rejected, match="no service's key"):
        in_unit(lms.institution_id, lambda unit: services.revoke(unit, UUID(ordinary)))
    with pytest.raises(Rejected, match="serving"):
        in_unit(lms.institution_id, lambda unit: services.create(unit, "dashboards"))


def test_no_service_key_writes() -> None:
    written = [scope for scopes in services.SCOPES.values() for scope in scopes]
    assert all(scope.endswith((".read", ".list")) for scope in written), written


def test_setup_makes_the_key_once_and_the_command_rotates_it(
    lms: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    here = type(lms)(lms.http, lms.database, DEFAULT_INSTITUTION)
    secret = tmp_path / "service-key-serving"
    # The folder of this test holds the keysets of the database, and no service key yet.
    for path in SecretSettings().dir.iterdir():
        if not path.name.startswith("service-key"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setenv("LMS_SECRETS_DIR", str(tmp_path))
    with pytest.raises(Misconfigured, match="LMS_SECRET_SERVICE_KEY_SERVING"):
        service_key("serving")
    for _ in range(2):
        assert cli.call("migrate") == 0
    first = secret.read_text()
    assert secret.stat().st_mode & 0o777 == 0o600
    assert ask(here, first, "/courses").status_code == 200
    ours = asking(here)
    assert ours.get("/courses").status_code == 200

    assert cli.call("service-keys", "rotate", "serving", "--overlap-hours", "1") == 0
    second = secret.read_text()
    assert second != first
    assert {ask(here, key, "/courses").status_code for key in (first, second)} == {200}
    capsys.readouterr()
    assert cli.call("service-keys") == 0
    lines = capsys.readouterr().out.splitlines()
    old = next(line for line in lines if first[:10] in line)
    assert "until" in old
    assert first not in "".join(lines)

    assert cli.call("service-keys", "revoke", old.split()[0]) == 0
    assert ask(here, first, "/courses").status_code == 401
    # A service that still has the old key reads the new one as soon as it is refused.
    assert ours.get("/courses").status_code == 200
    monkeypatch.setenv("LMS_SECRET_SERVICE_KEY_SERVING", "a-shared-word")
    with pytest.raises(Misconfigured, match="is no key"):
        cli.call("migrate")
