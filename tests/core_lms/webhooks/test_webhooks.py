"""Telling a real receiver: signed, at least once under one name, retried, given up, kept inside."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from psycopg_pool import AsyncConnectionPool
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from contracts.ids import new_id
from core_lms.addresses import check_url, is_public
from core_lms.webhooks.sending import FAILPOINT, Sender
from core_lms.webhooks.settings import WebhookSettings
from stack import cli
from stack.profile import REPOSITORY

pytestmark = pytest.mark.integration


def test_a_receiver_gets_the_event_signed_and_once(hooks: Any) -> None:
    path = hooks.path("/ok")
    webhook = hooks.made(path, "course.*", "webhook.created")
    course_id = hooks.lms.course()
    for _ in range(2):
        hooks.deliver()  # the inbox may bring an event again
    assert hooks.send() == len(hooks.receiver.seen(path)) > 0
    assert hooks.send() == 0
    seen = hooks.receiver.seen(path)
    types = [json.loads(message["body"])["event_type"] for message in seen]
    assert set(types) <= {"webhook.created", *(t for t in types if t.startswith("course."))}
    assert {"course.created", "course.published"} <= set(types)
    for message in seen:
        event = Webhook(webhook["secret"]).verify(message["body"], message["headers"])
        assert event["event_id"] == message["headers"]["webhook-id"]
        assert event["institution_id"] == hooks.lms.institution_id
    created = next(json.loads(m["body"]) for m in seen if '"course.created"' in m["body"])
    assert created["payload"]["course_id"] == course_id
    assert {one["status"] for one in hooks.deliveries(webhook)} == {"delivered"}


def test_a_forged_or_changed_message_does_not_verify(hooks: Any) -> None:
    path = hooks.path("/ok")
    webhook, other = hooks.made(path), hooks.made(hooks.path("/ok"))
    hooks.deliver()
    hooks.send()
    message = hooks.receiver.seen(path)[0]
    for secret, body in (
        (other["secret"], message["body"]),
        (webhook["secret"], message["body"] + " "),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, message["headers"])


def test_a_failing_receiver_is_tried_again_later_and_later_under_the_same_id(hooks: Any) -> None:
    path = f"/fail/3/{new_id()}"
    webhook = hooks.made(path, "webhook.created")
    hooks.deliver()
    waits = []
    for _ in range(4):
        assert hooks.send() == 1
        assert hooks.send() == 0, "not before its time"
        [delivery] = hooks.deliveries(webhook)
        if delivery["status"] == "due":
            assert hooks.get(webhook)["failing_since"] is not None
            assert delivery["last_error"] == "answered 500"
            waits.append(WAIT[delivery["attempts"]])
            hooks.later += timedelta(seconds=waits[-1] * 1.2)
    assert [delivery["status"], delivery["attempts"]] == ["delivered", 4]
    assert len({message["headers"]["webhook-id"] for message in hooks.receiver.seen(path)}) == 1
    stamps = [int(m["headers"]["webhook-timestamp"]) for m in hooks.receiver.seen(path)]
    assert stamps == sorted(set(stamps)), "each attempt is signed anew"
    assert hooks.get(webhook)["failing_since"] is None


WAIT = {1: 5.0, 2: 15.0, 3: 45.0}


def test_waits_grow_threefold_up_to_half_a_day_and_differ() -> None:
    settings = WebhookSettings()
    sender = Sender(AsyncConnectionPool("", open=False), settings, chance=random.Random(1))
    waits = [sender.pause(attempts).total_seconds() for attempts in range(1, 13)]
    plain = [min(5.0 * 3**n, 12 * 3600.0) for n in range(12)]
    assert all(0.8 * p <= wait <= 1.2 * p for wait, p in zip(waits, plain, strict=True))
    assert len({sender.pause(1) for _ in range(10)}) == 10
    assert sender.pause(1, retry_after_s=600).total_seconds() >= 480


def test_what_fails_too_often_is_dead_and_comes_back_on_demand(
    hooks: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = f"/fail/3/{new_id()}"
    webhook = hooks.made(path, "webhook.created")
    hooks.deliver()
    for _ in range(3):
        hooks.send(attempts=3)
        hooks.later += timedelta(hours=1)
    [dead] = hooks.deliveries(webhook, status="dead")
    assert dead["attempts"] == 3
    assert cli.call("webhooks", "dead") == 0
    assert dead["id"] in capsys.readouterr().out
    base = f"/webhooks/{webhook['id']}/deliveries"
    assert hooks.lms.post(f"{base}/{new_id()}/retry").status_code == 404
    assert hooks.lms.post(f"{base}/{dead['id']}/retry").json() == {"deliveries": 1}
    assert hooks.lms.post(f"{base}/retry").json() == {"deliveries": 0}
    assert hooks.send() == 1
    assert hooks.deliveries(webhook)[0]["status"] == "delivered"


def test_the_command_retries_what_is_dead(hooks: Any, capsys: pytest.CaptureFixture[str]) -> None:
    webhook = hooks.made(f"/fail/1/{new_id()}", "webhook.created")
    hooks.deliver()
    hooks.send(attempts=1)
    [dead] = hooks.deliveries(webhook, status="dead")
    assert cli.call("webhooks", "retry", new_id()) == 1
    assert cli.call("webhooks", "retry") == 2
    assert cli.call("webhooks", "retry", dead["id"]) == 0
    assert f"{dead['id']}  due" in capsys.readouterr().out
    assert hooks.send() == 1


def test_one_that_hangs_does_not_keep_the_others_waiting(hooks: Any) -> None:
    slow, quick = hooks.path("/hang"), hooks.path("/ok")
    hanging, working = hooks.made(slow), hooks.made(quick)
    for _ in range(4):
        hooks.lms.user()
    hooks.deliver()
    hooks.send(timeout_s=0.5, concurrency=8, of_each=3)
    assert {one["status"] for one in hooks.deliveries(working)} == {"delivered"}
    errors = {one["last_error"] for one in hooks.deliveries(hanging)}
    assert errors == {"no answer within 0.5 s"}


def test_an_answer_that_never_ends_is_cut_off(hooks: Any) -> None:
    webhook = hooks.made(hooks.path("/drip"), "webhook.created")
    hooks.deliver()
    hooks.send(timeout_s=1.0)
    assert hooks.deliveries(webhook)[0]["last_error"] == "no answer within 1 s"


def test_a_redirect_is_not_followed(hooks: Any) -> None:
    webhook = hooks.made(hooks.path("/redirect"), "webhook.created")
    hooks.deliver()
    hooks.send()
    [delivery] = hooks.deliveries(webhook)
    assert (delivery["status"], delivery["last_status"]) == ("due", 307)
    assert "redirect" in delivery["last_error"]


def test_a_receiver_that_asks_to_wait_is_waited_for(hooks: Any) -> None:
    webhook = hooks.made(hooks.path("/busy"), "webhook.created")
    hooks.deliver()
    hooks.send()
    hooks.later = timedelta(seconds=1400)
    assert hooks.send() == 0
    hooks.later = timedelta(seconds=2200)
    assert hooks.send() == 1
    assert hooks.deliveries(webhook)[0]["attempts"] == 2


def test_nobody_there_is_a_failure_like_another(hooks: Any) -> None:
    body = {"url": "http://127.0.0.1:9/hook", "event_types": ["webhook.created"]}
    webhook = hooks.lms.made("/webhooks", body)
    hooks.deliver()
    hooks.send()
    assert hooks.deliveries(webhook)[0]["last_error"].startswith("no connection")


def test_failing_for_days_disables_with_an_event_and_switching_on_begins_anew(hooks: Any) -> None:
    path = f"/fail/2/{new_id()}"
    webhook = hooks.made(path, "webhook.created", "course.*")
    hooks.deliver()
    hooks.send()
    hooks.later = timedelta(hours=121)
    hooks.send()
    found = hooks.get(webhook)
    assert (found["status"], found["disabled_reason"]) == ("disabled", "failing")
    payload = hooks.lms.events()[-1]["payload"]
    assert payload == {"webhook_id": webhook["id"], "reason": "failing", "user_id": None}
    assert [one["status"] for one in hooks.deliveries(webhook)] == ["dead"]
    hooks.lms.course()
    hooks.deliver(
        *[event for event in hooks.lms.events() if event["event_type"] == "course.created"]
    )
    assert len(hooks.deliveries(webhook)) == 1, "nothing is kept for who is disabled"
    retry = f"/webhooks/{webhook['id']}/deliveries/retry"
    assert hooks.lms.post(retry).status_code == 409
    headers = {"If-Match": hooks.lms.get(f"/webhooks/{webhook['id']}").headers["etag"]}
    path = f"/webhooks/{webhook['id']}"
    changed = hooks.lms.call("PATCH", path, json={"status": "active"}, headers=headers)
    assert (changed.json()["status"], changed.json()["failing_since"]) == ("active", None)
    assert hooks.lms.post(retry).json() == {"deliveries": 1}
    assert hooks.send() == 1
    assert hooks.deliveries(webhook)[0]["status"] == "delivered"


def test_one_that_says_it_is_gone_is_disabled_at_once(hooks: Any) -> None:
    webhook = hooks.made(hooks.path("/gone"))
    hooks.lms.user()
    hooks.deliver()
    hooks.send(of_each=1)
    assert hooks.get(webhook)["disabled_reason"] == "gone"
    assert {one["status"] for one in hooks.deliveries(webhook)} == {"dead"}
    assert hooks.lms.types()[-1] == "webhook.disabled"


def test_what_happens_while_it_is_paused_is_told_afterwards(hooks: Any) -> None:
    path = hooks.path("/ok")
    webhook = hooks.made(path, "user.*")
    address = f"/webhooks/{webhook['id']}"
    for status, sent in (("paused", 0), ("active", 1)):
        headers = {"If-Match": hooks.lms.get(address).headers["etag"]}
        hooks.lms.call("PATCH", address, json={"status": status}, headers=headers)
        if status == "paused":
            hooks.lms.user()
            hooks.deliver()
        assert hooks.send() == sent


def test_both_secrets_sign_while_one_is_rotated(hooks: Any) -> None:
    path = hooks.path("/ok")
    first = hooks.made(path, "user.*")
    address = f"/webhooks/{first['id']}"
    second = hooks.lms.post(f"{address}/secret", {"overlap_hours": 1}).json()
    assert second["secret"] != first["secret"]
    assert "secret" not in hooks.lms.get(address).json()
    hooks.lms.user()
    hooks.deliver()
    hooks.send()
    both = hooks.receiver.seen(path)[-1]
    for webhook in (first, second):
        Webhook(webhook["secret"]).verify(both["body"], both["headers"])
    hooks.lms.database.execute(
        "UPDATE webhooks SET previous_until = now() WHERE id = %s", [first["id"]]
    )
    hooks.lms.user()
    hooks.deliver()
    hooks.send()
    new_only = hooks.receiver.seen(path)[-1]
    Webhook(second["secret"]).verify(new_only["body"], new_only["headers"])
    with pytest.raises(WebhookVerificationError):
        Webhook(first["secret"]).verify(new_only["body"], new_only["headers"])


SEND = """
import asyncio
from core_lms.webhooks.sending import Sender
from core_lms.webhooks.settings import WebhookSettings
from stack.postgres import PostgresSettings, pool

async def main():
    async with pool(PostgresSettings().app_url) as database:
        await Sender(database, WebhookSettings(timeout_s=1.0)).all_due()

asyncio.run(main())
"""


@pytest.mark.parametrize(("step", "came"), [("leased", 1), ("sent", 2)])
def test_a_sender_killed_in_the_middle_loses_nothing(hooks: Any, step: str, came: int) -> None:
    path = hooks.path("/ok")
    webhook = hooks.made(path, "webhook.created")
    hooks.deliver()
    died = subprocess.run(
        [sys.executable, "-c", SEND], cwd=REPOSITORY, env={**os.environ, FAILPOINT.variable: step}
    )
    assert died.returncode == -9
    assert hooks.send() == 0, "it is leased to the dead process for a while"
    hooks.later = timedelta(minutes=2)
    assert hooks.send() == 1
    assert hooks.deliveries(webhook)[0]["status"] == "delivered"
    seen = hooks.receiver.seen(path)
    assert len(seen) == came
    assert len({message["headers"]["webhook-id"] for message in seen}) == 1


def test_messages_of_other_institutions_are_not_told(hooks: Any) -> None:
    path = hooks.path("/ok")
    webhook = hooks.made(path)
    elsewhere = hooks.lms.elsewhere()
    elsewhere.user()
    hooks.deliver(*elsewhere.events())
    assert hooks.deliveries(webhook) == []
    assert elsewhere.get(f"/webhooks/{webhook['id']}").status_code == 404


def test_a_deleted_webhook_is_forgotten_with_what_was_due(hooks: Any) -> None:
    webhook = hooks.made(hooks.path("/ok"))
    hooks.deliver()
    assert hooks.lms.call("DELETE", f"/webhooks/{webhook['id']}").status_code == 204
    assert hooks.lms.get(f"/webhooks/{webhook['id']}").status_code == 404
    assert hooks.send() == 0
    assert hooks.lms.types() == ["webhook.created", "webhook.deleted"]


@pytest.mark.parametrize(
    "wanted", ["content.viewed", "order.eaten", "recommendation.*", "paid", "order.*.*", ""]
)
def test_what_is_never_told_cannot_be_asked_for(hooks: Any, wanted: str) -> None:
    body = {"url": "https://sis.example.org/hook", "event_types": [wanted]}
    answer = hooks.lms.post("/webhooks", body)
    assert answer.status_code == 422
    assert "event_types" in answer.json()["detail"]


@pytest.mark.parametrize(
    "url",
    [
        "http://sis.example.org/hook",
        "https://localhost/hook",
        "https://127.0.0.1/hook",
        "https://10.0.0.7/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/hook",
        "https://[::ffff:10.0.0.1]/hook",
        "https://[fd00::1]/hook",
        "https://100.64.0.1/hook",
        "https://0.0.0.0/hook",
        "https://2130706433/hook",
        "https://0x7f.1/hook",
        "https://db/hook",
        "https://db.internal/hook",
        "https://user:word@sis.example.org/hook",
        "https://sis.example.org:99999/hook",
        "ftp://sis.example.org/hook",
        "https://sis.example.org/hook#here",
    ],
)
def test_an_address_of_our_inside_is_refused_when_it_is_given(lms: Any, url: str) -> None:
    answer = lms.post("/webhooks", {"url": url, "event_types": ["*"]})
    assert answer.status_code == 422, answer.text
    assert "url" in answer.json()["detail"]


def test_a_public_address_is_let_through() -> None:
    for url in ("https://sis.example.org/hook?key=1", "https://93.184.216.34:8443/hook"):
        assert check_url(url, allow_private=False)
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")
    for inside in ("64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1", "fec0::1", "fe80::1%eth0"):
        assert not is_public(inside)


def test_a_name_that_stands_for_our_inside_is_not_connected_to(hooks: Any) -> None:
    """The check is on the address that the name has at that moment, and on every one of them."""
    path = hooks.path("/ok")
    webhook = hooks.made(path, "webhook.created")
    port = hooks.receiver.url.rpartition(":")[2]
    hooks.lms.database.execute(
        "UPDATE webhooks SET url = %s WHERE id = %s",
        [f"http://localhost:{port}{path}", webhook["id"]],
    )
    hooks.deliver()
    assert hooks.send(allow_private=False) == 1
    assert hooks.receiver.seen(path) == []
    assert hooks.deliveries(webhook)[0]["last_error"] == "the address is not public"
    hooks.later = timedelta(minutes=1)
    hooks.send(allow_private=True)
    assert len(hooks.receiver.seen(path)) == 1
