"""Who is notified of what, on which ways, in which words; and what becomes of it there."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from contracts.events.assessments import FeedbackGiven
from contracts.events.enrollments import CourseCompleted
from contracts.events.users import UserPasswordChanged, UserPasswordResetRequested
from contracts.ids import new_id
from core_lms.notifications import repository
from core_lms.notifications.channels import POINT
from core_lms.notifications.channels.web_push import allowed, public_key
from core_lms.notifications.consumers import record
from core_lms.notifications.kinds import LANGUAGES, kinds
from core_lms.notifications.preferences import enabled
from core_lms.notifications.settings import settings
from core_lms.notifications.texts import render
from core_lms.notifications.tokens import Unsubscription
from core_lms.plugins import plugins
from core_lms.privacy import consent

from .conftest import MailServer, Post, PushService, certificate, start

pytestmark = pytest.mark.integration


def completed(lms: Any, user_id: str, course_id: str | None = None) -> CourseCompleted:
    return CourseCompleted(
        enrollment_id=new_id(),
        user_id=user_id,
        course_id=course_id or lms.course(),
        completion_percentage=100.0,
        certification_issued=False,
    )


def learner(lms: Any, address: str | None = None, **profile: Any) -> tuple[str, str]:
    """The id and the address of a new person."""
    address = address or f"{new_id()}@example.org"
    body = {"email": address, "name": "Mira Okafor", "role": "student", "profile": profile}
    return str(lms.made("/users", body)["id"]), address


def plain(mail: Any) -> str:
    return str(mail.get_body(("plain",)).get_content())


@pytest.mark.usefixtures("ways")
def test_an_event_told_twice_reaches_the_person_once_on_each_way(
    post: Post, mail_server: MailServer
) -> None:
    lms = post.lms
    user_id, address = learner(lms)
    post.notify(completed(lms, user_id), times=2)
    assert post.deliveries(user_id) == {"email": ("pending", None), "in_app": ("pending", None)}
    assert lms.get(f"/users/{user_id}/notifications").json()["items"] == [], "not sent yet"
    post.send()
    assert post.send() == 0
    [mail] = mail_server.to(address)
    assert mail["Subject"] == "You completed Statistics"
    assert "everything that “Statistics” asks for" in plain(mail)
    [entry] = lms.person(user_id).get(f"/users/{user_id}/notifications").json()["items"]
    assert (entry["number"], entry["subject"]) == (1, "You completed Statistics")


@pytest.mark.usefixtures("ways")
def test_it_is_told_in_the_language_of_the_person_and_escaped_where_it_is_markup(
    post: Post, mail_server: MailServer
) -> None:
    lms = post.lms
    user_id, address = learner(lms, language="de-AT")
    teacher = lms.user("instructor")
    body = {"title": "<b>R</b> &\nBcc: x@example.org", "instructor_id": teacher}
    course_id = str(lms.made("/courses", body)["id"])
    post.notify(completed(lms, user_id, course_id))
    post.send()
    [mail] = mail_server.to(address)
    assert mail["Content-Language"] == "de"
    assert mail["Subject"] == "<b>R</b> & Bcc: x@example.org abgeschlossen", "one line"
    assert mail["Bcc"] is None
    html = mail.get_body(("html",)).get_content()
    assert "&lt;b&gt;R&lt;/b&gt;" in html
    assert "<b>R</b>" not in html


def test_of_an_old_event_nobody_is_told(post: Post) -> None:
    user_id, _ = learner(post.lms)
    event, old = completed(post.lms, user_id), datetime.now(UTC) - timedelta(days=30)
    post.notify(event, at=old)
    assert post.deliveries(user_id) == {}
    assert record.CONSUMER.passes is not None
    assert record.CONSUMER.passes(post.envelope(event, old)), "and costs no transaction"
    assert not record.CONSUMER.passes(post.envelope(event))


@pytest.mark.usefixtures("ways")
def test_without_consent_to_communication_only_what_is_essential_leaves_the_product(
    post: Post, mail_server: MailServer
) -> None:
    lms = post.lms
    user_id, address = learner(lms)
    post.notify(completed(lms, user_id))
    post.unit(lambda unit: consent.choose(unit, user_id, "communication", False))  # type: ignore[arg-type]
    post.notify(completed(lms, user_id))
    post.notify(UserPasswordChanged(user_id=user_id))
    post.send()
    [mail] = mail_server.to(address)
    assert mail["Subject"] == "Your password was changed"
    assert mail["List-Unsubscribe"] is None
    assert len(lms.get(f"/users/{user_id}/notifications").json()["items"]) == 3
    rows = lms.database.execute(
        "SELECT reason FROM notification_deliveries WHERE institution_id = %s "
        "AND status = 'dropped'",
        [lms.institution_id],
    ).fetchall()
    assert rows == [("no consent to communication",)], "withdrawn after it was written down"


@pytest.mark.usefixtures("ways")
def test_one_click_in_the_mail_program_ends_the_mails_of_a_kind(
    post: Post, mail_server: MailServer
) -> None:
    lms = post.lms
    user_id, address = learner(lms)
    post.notify(completed(lms, user_id))
    post.send()
    [mail] = mail_server.to(address)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = re.fullmatch(r"<(http\S+)>", str(mail["List-Unsubscribe"]))
    assert url is not None
    path = urlsplit(url.group(1)).path

    asked = lms.http.get(path)
    assert "you completed a course" in asked.text
    post.notify(completed(lms, user_id))
    post.send()
    assert len(mail_server.to(address)) == 2, "a scanner that follows links ends nothing"

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    done = lms.http.post(path, content=b"List-Unsubscribe=One-Click", headers=form)
    assert done.status_code == 200, done.text
    post.notify(completed(lms, user_id))
    post.send()
    assert len(mail_server.to(address)) == 2
    assert post.deliveries(user_id)["in_app"] == ("sent", None)
    assert lms.http.post(f"{path}x", content=b"", headers=form).status_code == 404
    token = Unsubscription(lms.institution_id, str(uuid4()), "course_completed", "email").token()
    assert lms.http.post(f"/notifications/unsubscribe/{token}").status_code == 404


@pytest.mark.usefixtures("ways")
def test_a_secret_link_is_made_when_the_mail_goes_out_and_kept_nowhere(
    post: Post, mail_server: MailServer
) -> None:
    user_id, address = learner(post.lms)
    post.notify(UserPasswordResetRequested(user_id=user_id))
    post.send()
    [mail] = mail_server.to(address)
    secret = re.search(r"#(lsl1_\S+)", plain(mail))
    assert secret is not None
    [kept] = post.lms.database.execute(
        "SELECT facts FROM notifications WHERE user_id = %s", [user_id]
    ).fetchall()
    assert kept == ({},)


@pytest.mark.usefixtures("ways")
def test_a_refused_mail_is_dead_and_a_delayed_one_is_tried_later_without_its_address(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    lms = post.lms
    dead, _ = learner(lms, f"nobody-{new_id()}@example.org")
    later, _ = learner(lms, f"later-{new_id()}@example.org")
    for user_id in (dead, later):
        post.notify(completed(lms, user_id))
    with caplog.at_level(logging.DEBUG):
        post.send()
    assert post.deliveries(dead)["email"] == ("dead", "the mail server refuses the recipient: 550")
    status, reason = post.deliveries(later)["email"]
    assert (status, reason) == ("pending", "the mail server does not take the recipient now: 451")
    lms.database.execute(
        "UPDATE notification_deliveries SET attempts = %s WHERE status = 'pending' "
        "AND institution_id = %s",
        [settings().attempts - 1, lms.institution_id],
    )
    post.due_now()
    post.send()
    assert post.deliveries(later)["email"][0] == "dead"
    logged = json.dumps(
        [str(vars(record)) for record in caplog.records if "core_lms" in record.name]
    )
    assert "example.org" not in logged


def test_without_a_mail_server_what_would_be_a_mail_says_so(post: Post) -> None:
    user_id, _ = learner(post.lms)
    post.notify(completed(post.lms, user_id))
    status, reason = post.deliveries(user_id)["email"]
    assert status == "dropped"
    assert "LMS_NOTIFICATIONS_SMTP_HOST" in str(reason)


@pytest.mark.usefixtures("ways")
def test_mail_goes_out_encrypted_and_only_to_a_server_that_is_trusted(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public, private = certificate(tmp_path)
    server = MailServer(tmp_path / "box")
    process = start("mail_process.py", server.port, server.folder, public, private)
    monkeypatch.setenv("LMS_NOTIFICATIONS_SMTP_PORT", str(server.port))
    monkeypatch.setenv("LMS_NOTIFICATIONS_SMTP_SECURITY", "starttls")
    settings.cache_clear()
    try:
        user_id, address = learner(post.lms)
        post.notify(completed(post.lms, user_id))
        post.send()
        assert post.deliveries(user_id)["email"][0] == "pending", "nobody vouches for it"
        monkeypatch.setenv("LMS_NOTIFICATIONS_SMTP_CA_FILE", str(public))
        settings.cache_clear()
        post.due_now()
        post.send()
        assert post.deliveries(user_id)["email"] == ("sent", post.deliveries(user_id)["email"][1])
        assert len(server.to(address)) == 1
    finally:
        process.kill()
        process.wait()


def feedback(lms: Any, user_id: str) -> FeedbackGiven:
    course_id = lms.course()
    return FeedbackGiven(
        submission_id=new_id(),
        assessment_id=lms.assessment(course_id),
        user_id=user_id,
        course_id=course_id,
        given_by=lms.user("instructor"),
    )


@pytest.mark.usefixtures("ways")
def test_a_push_is_encrypted_to_the_browser_and_signed_by_us(
    post: Post, push_service: PushService
) -> None:
    lms = post.lms
    user_id, _ = learner(lms)
    me = lms.person(user_id)
    path = f"/users/{user_id}/push-subscriptions"
    made = me.post(path, push_service.subscription(f"/{user_id}"))
    assert made.status_code == 201, made.text
    assert me.post(path, push_service.subscription(f"/{user_id}")).status_code == 200
    [stored] = lms.database.execute(
        "SELECT sealed FROM push_subscriptions WHERE user_id = %s", [user_id]
    ).fetchall()
    assert b"127.0.0.1" not in bytes(stored[0])

    before = len(push_service.received())
    post.notify(feedback(lms, user_id))
    post.send()
    [pushed] = push_service.received()[before:]
    assert pushed["payload"]["title"] == "Feedback on Reading histograms"
    [entry] = me.get(f"/users/{user_id}/notifications").json()["items"]
    assert pushed["payload"]["tag"] == entry["id"], "a repeated push replaces the first"
    key, token = _vapid(pushed["headers"]["authorization"])
    assert key == public_key() == me.get("/push-server").json()["public_key"]
    claims = jwt.decode(token, _jwk(key), algorithms=["ES256"]).claims
    assert claims["aud"] == push_service.origin


def _vapid(header: str) -> tuple[str, str]:
    parts = dict(part.strip().split("=", 1) for part in header.removeprefix("vapid ").split(","))
    return parts["k"], parts["t"]


def _jwk(point: str) -> ECKey:
    import base64

    raw = base64.urlsafe_b64decode(point + "=" * (-len(point) % 4))
    x, y = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (raw[1:33], raw[33:]))
    return ECKey.import_key({"kty": "EC", "crv": "P-256", "x": x, "y": y})


@pytest.mark.usefixtures("ways")
def test_a_browser_that_is_gone_is_forgotten_and_a_busy_service_is_asked_again(
    post: Post, push_service: PushService
) -> None:
    lms = post.lms
    gone, busy = learner(lms)[0], learner(lms)[0]
    for user_id, path in ((gone, "/gone"), (busy, "/busy")):
        body = push_service.subscription(path)
        made = lms.person(user_id).post(f"/users/{user_id}/push-subscriptions", body)
        assert made.status_code == 201, made.text
        post.notify(feedback(lms, user_id))
    post.send()
    assert post.deliveries(gone)["web_push"][0] == "dead"
    mine = lms.person(gone).get(f"/users/{gone}/push-subscriptions").json()
    assert mine == {"items": []}
    assert post.deliveries(busy)["web_push"] == (
        "pending",
        "the push service does not take it now: 503",
    )


def test_we_post_to_known_push_services_only(lms: Any) -> None:
    assert allowed("https://fcm.googleapis.com/fcm/send/abc")
    assert allowed("https://web.push.apple.com/abc")
    for address in (
        "http://fcm.googleapis.com/fcm/send/abc",
        "https://fcm.googleapis.com.example.org/x",
        "https://fcm.googleapis.com:8443/x",
        "https://user@fcm.googleapis.com/x",
        "https://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:15432/",
        "https://[::1",
    ):
        assert not allowed(address), address
    user_id, _ = learner(lms)
    keys = {"p256dh": "B" * 87, "auth": "A" * 22}
    body = {"endpoint": "http://127.0.0.1:15432/", "keys": keys}
    assert lms.person(user_id).post(f"/users/{user_id}/push-subscriptions", body).status_code == 422


def test_keys_that_nothing_can_be_encrypted_to_are_refused(
    lms: Any, push_service: PushService, ways: None
) -> None:
    user_id, _ = learner(lms)
    for name, wrong in (("p256dh", "B" * 87), ("auth", "A" * 24)):
        body = push_service.subscription("/x")
        body["keys"][name] = wrong
        refused = lms.person(user_id).post(f"/users/{user_id}/push-subscriptions", body)
        assert refused.status_code == 422
        assert name in refused.json()["detail"]


def test_a_person_steers_what_they_are_told_and_what_is_essential_stays(post: Post) -> None:
    lms = post.lms
    user_id, _ = learner(lms)
    me, path = lms.person(user_id), f"/users/{user_id}/notification-preferences"
    found = me.get(path)
    matrix = {(row["kind"], row["channel"]): row for row in found.json()["items"]}
    assert len(matrix) == len(kinds()) * len(plugins(POINT))
    off = {"kind": "course_completed", "channel": "in_app", "enabled": False}
    on = {"kind": "course_completed", "channel": "web_push", "enabled": True}
    tag = {"If-Match": found.headers["etag"]}
    changed = me.call("PATCH", path, json={"choices": [off, on]}, headers=tag)
    assert changed.status_code == 200, changed.text
    assert me.call("PATCH", path, json={"choices": [off]}, headers=tag).status_code == 412
    post.notify(completed(lms, user_id))
    assert set(post.deliveries(user_id)) == {"email"}, "no browser is subscribed"

    fixed = {"kind": "password_changed", "channel": "email", "enabled": False}
    tag = {"If-Match": changed.headers["etag"]}
    refused = me.call("PATCH", path, json={"choices": [fixed]}, headers=tag)
    assert "essential" in refused.json()["detail"]
    unknown = {"kind": "weather", "channel": "email", "enabled": False}
    assert me.call("PATCH", path, json={"choices": [unknown]}, headers=tag).status_code == 422


def test_all_is_every_kind_without_a_choice_of_its_own_that_is_not_essential() -> None:
    decided = {("*", "email"): False, ("feedback_given", "email"): True}
    assert not enabled("course_completed", "email", decided)
    assert enabled("feedback_given", "email", decided)
    assert enabled("password_changed", "email", decided)


def test_entries_are_read_one_by_one_or_up_to_a_number(post: Post) -> None:
    lms = post.lms
    user_id, _ = learner(lms)
    course_id = lms.course()
    for _ in range(3):
        post.notify(completed(lms, user_id, course_id))
    post.send()
    me, path = lms.person(user_id), f"/users/{user_id}/notifications"
    first = me.get(path, limit=2).json()
    rest = me.get(path, limit=2, cursor=first["next"]).json()
    entries = first["items"] + rest["items"]
    assert [entry["number"] for entry in entries] == [3, 2, 1]
    once = me.post(f"{path}/{entries[2]['id']}/read").json()["read_at"]
    assert me.post(f"{path}/{entries[2]['id']}/read").json()["read_at"] == once
    assert me.get(f"{path}/unread").json() == {"last": 3, "unread": 2}
    assert [entry["number"] for entry in me.get(path, unread=True).json()["items"]] == [3, 2]
    assert me.post(f"{path}/read", {"up_to": 2}).json() == {"last": 3, "unread": 1}


def test_old_entries_are_deleted_and_the_numbers_go_on(post: Post) -> None:
    lms = post.lms
    user_id, _ = learner(lms)
    course_id = lms.course()
    post.notify(completed(lms, user_id, course_id))
    post.send()
    post.notify(completed(lms, user_id, course_id))
    lms.database.execute(
        "UPDATE notifications SET created_at = now() - interval '1 year' WHERE user_id = %s",
        [user_id],
    )

    async def tidy(database: Any) -> int:
        async with database.connection() as connection:
            found = await connection.execute(
                repository.sql["delete_old"], {"days": 180, "most": 100}
            )
            [deleted] = await found.fetchone()
            return int(deleted)

    assert post.inside(tidy) >= 1
    assert post.deliveries(user_id)["in_app"] == ("pending", None), "what is to be sent stays"
    post.send()
    [entry] = lms.get(f"/users/{user_id}/notifications").json()["items"]
    assert entry["number"] == 2


@pytest.mark.parametrize("name", kinds())
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_is_written_in_every_language_with_its_example(name: str, language: str) -> None:
    kind = kinds()[name]
    text = render(kind.texts, language, kind.example)
    assert text.subject
    assert text.body
    assert kind.link.format(**kind.example) is not None
    if language != "en":
        english = render(kind.texts, "en", kind.example)
        assert (text.subject, text.body) != (english.subject, english.body)
    assert set(kind.channels) <= set(plugins(POINT))
