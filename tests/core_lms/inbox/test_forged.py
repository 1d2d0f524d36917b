"""Events that the LMS never said, written straight into Kafka: nothing comes of them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from contracts.envelope import wrap
from contracts.event import EVENTS, Event
from contracts.events.assessments import AssessmentGraded, AssessmentSubmitted, FeedbackGiven
from contracts.events.certificates import CertificateIssued
from contracts.events.courses import CourseUpdated
from contracts.events.enrollments import CourseCompleted, EnrollmentCreated
from contracts.events.payments import OrderPaid, OrderRefunded
from contracts.events.users import UserDeleted, UserPasswordChanged, UserPasswordResetRequested
from contracts.ids import new_id
from core_lms.inbox import confirming
from core_lms.inbox.declarations import consumers
from stack import kafka
from stack.profile import REPOSITORY
from tests.ports import free_port
from tests.topics import begin_at_the_end
from tests.waiting import until

pytestmark = pytest.mark.integration

CONSUMERS = [one.name for one in consumers()]


def test_every_consumer_has_what_it_acts_on_confirmed() -> None:
    assert [one.name for one in consumers() if not one.confirms] == []
    confirming.check(consumers())
    wanted = {event_type for one in consumers() for event_type in one.event_types}
    assert confirming.statements().keys() == wanted


def test_every_confirmation_is_a_statement_the_database_takes(lms: Any) -> None:
    for event_type, statement in confirming.statements().items():
        fields = EVENTS[event_type].model_fields
        named = set(re.findall(r"%\((\w+)\)s", statement))
        assert named <= {*fields, "event_id", "at"}, event_type
        prepared = re.sub(r"%\(\w+\)s", "NULL", statement)
        lms.database.execute(f"EXPLAIN {prepared}")


@dataclass
class World:
    """An institution with a webhook that wants everything, and its inbox at work."""

    lms: Any
    url: str
    webhook_id: str = ""

    def write(self, *events: Event, institution_id: str | None = None) -> None:
        """Straight into the topic, as the operator could."""
        producer = kafka.producer()
        for event in events:
            envelope = wrap(
                event,
                institution_id=institution_id or self.lms.institution_id,
                source_service="course-service",
            )
            producer.produce(envelope.topic, envelope.encode(), envelope.key)
        assert producer.flush(30) == 0

    def publish(self, *types: str) -> None:
        """What the LMS did say, as the relay would."""
        for event in self.lms.events():
            if event["event_type"] in types:
                cls = EVENTS[event["event_type"]]
                self.write(cls.model_validate(event["payload"]))

    def outcomes(self, outcome: str) -> int:
        text = httpx.get(f"{self.url}/metrics", timeout=30).text
        found = re.findall(rf'lms_inbox_events_total{{.*outcome="{outcome}".*}} (\S+)', text)
        return int(sum(map(float, found)))

    def one(self, query: str, *values: Any) -> Any:
        row = self.lms.database.execute(query, values).fetchone()
        assert row is not None
        return row[0]

    def certificates(self, user_id: str) -> int:
        return int(self.one("SELECT count(*) FROM certificates WHERE user_id = %s", user_id))

    def notifications(self, user_id: str) -> list[str]:
        rows = self.lms.database.execute(
            "SELECT kind FROM notifications WHERE user_id = %s", [user_id]
        )
        return sorted(row[0] for row in rows)

    def delivered(self) -> list[str]:
        rows = self.lms.database.execute(
            "SELECT event_type FROM webhook_deliveries WHERE webhook_id = %s", [self.webhook_id]
        )
        return sorted(row[0] for row in rows)

    def course(self) -> tuple[str, str]:
        """A published course of one item, and the item."""
        course_id = str(self.lms.course(published=False))
        item_id = str(self.lms.item(course_id))
        assert self.lms.post(f"/courses/{course_id}/publish").status_code == 200
        return course_id, item_id

    def complete(self, course_id: str, item_id: str, user_id: str) -> None:
        done = {"event_type": "content.completed", "user_id": user_id}
        made = self.lms.post(f"/courses/{course_id}/items/{item_id}/events", done)
        assert made.status_code in (201, 202), made.text


@pytest.fixture
def world(lms: Any) -> Iterator[World]:
    for consumer in consumers():
        begin_at_the_end(lms.database, consumer.name, consumer.topics)
    port = free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "LMS_PRINCIPAL": "inbox",
        "LMS_HTTP_INBOX_PORT": str(port),
        "LMS_INBOX_ONLY": ",".join(CONSUMERS),  # what they write down is sent by nobody
    }
    process = subprocess.Popen([sys.executable, "-m", "core_lms.inbox"], env=environment)
    made = World(lms, f"http://127.0.0.1:{port}")
    body = {"url": "https://hooks.example.org/", "event_types": ["*"]}
    made.webhook_id = str(lms.made("/webhooks", body)["id"])
    try:
        until(lambda: _ready(made.url), "the inbox has its partitions")
        yield made
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def test_what_the_lms_never_said_has_no_effect_and_what_it_said_has(world: World) -> None:
    lms, other = world.lms, world.lms.elsewhere()
    course_id, item_id = world.course()
    learner, stranger, graduate = lms.user(), lms.user(), lms.user()
    enrolled = lms.enrollment(course_id, learner)
    completed = lms.enrollment(course_id, graduate)
    world.complete(course_id, item_id, graduate)
    assessment_id = lms.assessment(course_id)
    ids = {"user_id": learner, "course_id": course_id}
    work = {"submission_id": new_id(), "assessment_id": assessment_id, **ids}
    done = {"completion_percentage": 100.0, "certification_issued": True}
    money = {"amount_minor": 100, "currency": "EUR"}
    forged: list[Event] = [
        # Not completed; completed, but by somebody else; nobody's.
        CourseCompleted(enrollment_id=enrolled, **ids, **done),
        CourseCompleted(enrollment_id=completed, user_id=stranger, course_id=course_id, **done),
        CourseCompleted(enrollment_id=new_id(), **ids, **done),
        EnrollmentCreated(enrollment_id=new_id(), **ids),
        CertificateIssued(certificate_id=new_id(), enrollment_id=enrolled, **ids),
        AssessmentSubmitted(**work, kind="quiz", attempt=1),
        AssessmentGraded(**work, kind="quiz", score=100),
        FeedbackGiven(**work, given_by=stranger),
        OrderPaid(order_id=new_id(), payment_id=new_id(), provider="test", **ids, **money),
        OrderRefunded(
            order_id=new_id(), refund_id=new_id(), refunded_minor=100, full=True, **ids, **money
        ),
        UserDeleted(user_id=graduate),
        UserPasswordChanged(user_id=learner),
        UserPasswordResetRequested(user_id=new_id()),
        CourseUpdated(course_id=new_id()),
    ]
    times = sum(type(event) in one.events for event in forged for one in consumers())
    # The graduate's own certificate, which a forged erasure would delete.
    world.publish("course.completed")
    until(lambda: world.certificates(graduate) == 1, "what the LMS said is believed")
    before = world.outcomes("unconfirmed")

    world.write(*forged)
    # The right ids, in another institution's name.
    world.write(
        CourseCompleted(enrollment_id=completed, user_id=graduate, course_id=course_id, **done),
        institution_id=other.institution_id,
    )
    elsewhere = sum(CourseCompleted in one.events for one in consumers()) - 1  # it has no webhook
    # Work that asks no questions is nothing for the grading service: the others are asked.
    until(
        lambda: world.outcomes("unconfirmed") - before >= times + elsewhere,
        f"{times + elsewhere} unconfirmed",
    )
    assert world.outcomes("unconfirmed") - before == times + elsewhere
    assert [world.certificates(one) for one in (learner, stranger, graduate)] == [0, 0, 1]
    assert world.notifications(learner) == world.notifications(stranger) == []
    assert world.notifications(graduate) == ["course_completed"]
    assert world.delivered() == ["course.completed"]
    assert world.one("SELECT count(*) FROM inbox_failures WHERE institution_id = %s",
                     lms.institution_id) == 0  # fmt: skip
    assert world.one("SELECT count(*) FROM submissions WHERE course_id = %s", course_id) == 0


def test_an_erasure_that_the_lms_said_is_carried_out(world: World) -> None:
    course_id, item_id = world.course()
    learner = world.lms.user()
    world.lms.enrollment(course_id, learner)
    world.complete(course_id, item_id, learner)
    world.publish("course.completed")
    until(lambda: world.notifications(learner) == ["course_completed"], "notified")
    assert world.lms.post(f"/users/{learner}/erase").status_code == 200
    world.publish("user.deleted")
    until(lambda: world.certificates(learner) == 0, "no certificate is kept")
    until(lambda: world.notifications(learner) == [], "nothing is kept about them")
