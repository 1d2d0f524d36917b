"""A channel of somebody else's: a distribution with an entry point, and nothing of ours changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.events.enrollments import CourseCompleted
from contracts.ids import new_id
from tests.core_lms.test_plugins import install  # noqa: F401  # a fixture

from .conftest import Post

pytestmark = pytest.mark.integration

PIGEON = """
import json
from contracts.errors import Rejected

class Pigeon:
    "Ties it to a pigeon's leg."
    needs_consent = False
    def unavailable(self):
        return None
    async def targets(self, unit, user_id):
        return ("north", "south")
    async def send(self, message):
        if message.target == "south":
            raise Rejected("the loft is closed")
        with open(PATH, "a") as file:
            file.write(json.dumps([message.delivery_id, message.text.subject]) + "\\n")
"""


def test_it_is_offered_chosen_and_sent_on_like_our_own(
    post: Post,
    tmp_path: Path,
    install: Any,  # noqa: F811
) -> None:
    flown = tmp_path / "flown"
    source = PIGEON.replace("PATH", repr(str(flown)))
    install("pigeon_post", source, "learnstream.channels", "pigeon", "Pigeon")
    lms = post.lms
    user_id = lms.user()
    me, path = lms.person(user_id), f"/users/{user_id}/notification-preferences"
    found = me.get(path)
    assert {row["channel"] for row in found.json()["items"]} > {"email", "pigeon"}
    choice = {"kind": "course_completed", "channel": "pigeon", "enabled": True}
    tag = {"If-Match": found.headers["etag"]}
    assert me.call("PATCH", path, json={"choices": [choice]}, headers=tag).status_code == 200
    post.notify(
        CourseCompleted(
            enrollment_id=new_id(),
            user_id=user_id,
            course_id=lms.course(),
            completion_percentage=100.0,
            certification_issued=False,
        )
    )
    post.send()
    [line] = [json.loads(line) for line in flown.read_text().splitlines()]
    assert line[1] == "You completed Statistics"
    rows = lms.database.execute(
        "SELECT target, delivery.status, reason FROM notification_deliveries AS delivery "
        "JOIN notifications ON notifications.id = notification_id "
        "WHERE user_id = %s AND channel = 'pigeon' ORDER BY target",
        [user_id],
    ).fetchall()
    assert rows == [("north", "sent", None), ("south", "dead", "the loft is closed")]
