"""Recording and sending is killed at each step: nothing is lost, nothing comes twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter

import pytest

from contracts.events.assessments import FeedbackGiven
from contracts.ids import new_id
from core_lms.inbox import failpoint as inbox_steps
from core_lms.notifications.consumers import record
from core_lms.notifications.sender import FAILPOINT
from stack import kafka
from stack.profile import REPOSITORY
from tests.ports import free_port
from tests.topics import begin_at_the_end
from tests.waiting import until

from .conftest import MailServer, Post, PushService, environment

pytestmark = pytest.mark.integration

CONSUMER = "notifications.tell"
SENDER = "notifications.send"
DEATHS = (
    (CONSUMER, inbox_steps.VARIABLE, "handled:2"),
    (CONSUMER, inbox_steps.VARIABLE, "moved"),
    (CONSUMER, inbox_steps.VARIABLE, "committed"),
    *((SENDER, FAILPOINT.variable, step) for step in FAILPOINT.steps),
)


def start(settings: dict[str, str]) -> subprocess.Popen[bytes]:
    values = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "LMS_HTTP_INBOX_PORT": str(free_port()),
        "LMS_INBOX_BATCH": "3",
        "LMS_NOTIFICATIONS_BATCH": "1",  # one under way, so one death repeats one at most
        "LMS_NOTIFICATIONS_LEASE_S": "2",
        "LMS_NOTIFICATIONS_POLL_S": "0.05",
        **settings,
    }
    return subprocess.Popen([sys.executable, "-m", "core_lms.inbox"], env=values)


@pytest.mark.usefixtures("ways")
def test_killed_at_each_step_it_reaches_everybody_on_every_way(
    post: Post, mail_server: MailServer, push_service: PushService
) -> None:
    lms, ways = post.lms, environment(mail_server, push_service)
    lms.database.execute("UPDATE notification_deliveries SET status = 'dropped', "
                         "ended_at = now() WHERE status = 'pending'")  # fmt: skip
    begin_at_the_end(lms.database, CONSUMER, record.CONSUMER.topics)  # not what other tests sent
    people = {}
    for _ in range(6):
        address = f"{new_id()}@example.org"
        body = {"email": address, "name": "Mira Okafor", "role": "student"}
        user_id = str(lms.made("/users", body)["id"])
        made = lms.person(user_id).post(
            f"/users/{user_id}/push-subscriptions", push_service.subscription(f"/{user_id}")
        )
        assert made.status_code == 201, made.text
        people[user_id] = address
    course_id = lms.course()
    assessment_id, teacher = lms.assessment(course_id), lms.user("instructor")
    producer = kafka.producer()
    for user_id in people:
        submission_id = new_id()
        lms.database.execute(
            "INSERT INTO submissions (id, assessment_id, user_id, course_id, submitted_at, "
            "institution_id) VALUES (%s, %s, %s, %s, now(), %s)",
            [submission_id, assessment_id, user_id, course_id, lms.institution_id],
        )
        lms.database.execute(
            "INSERT INTO feedback (id, submission_id, given_by, body, text_sealed, institution_id) "
            "VALUES (%s, %s, %s, '', 'sealed', %s)",
            [new_id(), submission_id, teacher, lms.institution_id],
        )
        event = FeedbackGiven(
            submission_id=submission_id,
            assessment_id=assessment_id,
            user_id=user_id,
            course_id=course_id,
            given_by=teacher,
        )
        producer.produce(event.TOPIC.name, post.envelope(event).encode(), teacher)
    producer.flush(30)
    before = len(push_service.received())

    for name, variable, step in DEATHS:
        process = start({**ways, "LMS_INBOX_ONLY": name, variable: step})
        assert process.wait(90) == -signal.SIGKILL, step

    survivor = start({**ways, "LMS_INBOX_ONLY": f"{CONSUMER},{SENDER}"})

    def all_sent() -> bool:
        rows = lms.database.execute(
            "SELECT count(*) FROM notification_deliveries WHERE institution_id = %s "
            "AND status = 'sent'",
            [lms.institution_id],
        )
        return bool(rows.fetchone()[0] == 3 * len(people))

    until(all_sent, "every delivery is noted as sent")
    survivor.send_signal(signal.SIGTERM)
    survivor.wait(30)

    pushed = push_service.received()[before:]
    tags = Counter(line["payload"]["tag"] for line in pushed)
    topics = Counter(line["headers"]["topic"] for line in pushed)
    twice = 0
    for user_id, address in people.items():
        mails = mail_server.to(address)
        ids = {mail["Message-ID"] for mail in mails}
        assert len(ids) == 1, "a mail box that goes by the Message-ID shows one"
        twice += len(mails) - 1
        [entry] = lms.get(f"/users/{user_id}/notifications").json()["items"]
        assert entry["number"] == 1
        assert tags[entry["id"]] >= 1
    assert len(tags) == len(topics) == len(people), "repeated, a push has the first one's topic"
    twice += sum(tags.values()) - len(people)
    assert twice <= 1, "one process died between the receiver's yes and its own note"
