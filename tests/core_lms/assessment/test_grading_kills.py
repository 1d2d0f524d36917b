"""The grading service is killed at each of its steps while work comes in: nothing is lost, nothing
is graded twice. The real API, relay, Kafka and inbox; a database of its own.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import psycopg
import pytest

from contracts.ids import new_id
from contracts.topics import ASSESSMENTS
from core_lms.assessment import attempts, banks, slots
from core_lms.assessment import service as assessments
from core_lms.assessment.attempt_schemas import NewAnswer, NewAttempt
from core_lms.assessment.kinds import kinds
from core_lms.assessment.question_schemas import NewBank, NewPart, NewQuestion
from core_lms.assessment.schemas import NewAssessment
from core_lms.courses import publishing
from core_lms.courses import service as courses
from core_lms.courses.schemas import NewCourse
from core_lms.enrollments import service as enrollments
from core_lms.enrollments.schemas import NewEnrollment
from core_lms.inbox.failpoint import STEPS, VARIABLE
from core_lms.unit import Unit
from core_lms.units import transaction
from core_lms.users import service as users
from core_lms.users.schemas import Registration
from gateway.caller import service
from stack import kafka
from stack.postgres import PostgresSettings, pool
from stack.profile import REPOSITORY
from tests.core_lms.conftest import copied
from tests.logins import anonymous
from tests.ports import free_port
from tests.topics import begin_at_the_end, ends
from tests.waiting import until

pytestmark = pytest.mark.integration

LEARNERS = 40
ATTEMPTS = 5
"""Of each learner, one key in Kafka: 200 submissions."""


@dataclass
class Service:
    """The grading service over a database of its own, and what it emitted Kafka."""

    owner_url: str
    app_url: str
    institution_id: str
    start_at: dict[int, int]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def rows(self, query: str, *values: Any) -> list[Any]:
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            return connection.execute(query, values or None).fetchall()

    def run(self, module: str, **settings: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "LMS_PRINCIPAL": "relay" if module == "core_lms.outbox" else "inbox",
            "LMS_POSTGRES_LMS_URL": anonymous(self.owner_url),
            "LMS_POSTGRES_APP_URL": anonymous(self.app_url),
            "LMS_HTTP_INBOX_PORT": str(free_port()),
            "LMS_SERVICES": "assessment",
            "LMS_INBOX_ONLY": "assessment.grading",
            "LMS_INBOX_BATCH": "7",
            "LMS_INBOX_BACKOFF_MAX_S": "0.5",
            "LMS_OUTBOX_BACKOFF_MAX_S": "0.5",
            **settings,
        }
        process = subprocess.Popen([sys.executable, "-m", module], env=environment)
        self.processes.append(process)
        return process

    def graded(self) -> int:
        [[count]] = self.rows("SELECT count(*) FROM attempts WHERE status = 'graded'")
        return int(count)

    def emitted(self) -> list[dict[str, Any]]:
        """This institution's events on the topic since the test began, as readers see them."""
        places = {(ASSESSMENTS.name, number): at for number, at in self.start_at.items()}
        emitted = [
            orjson.loads(message.value())
            for messages in kafka.remaining(places)
            for message in messages
        ]
        return [event for event in emitted if event["institution_id"] == self.institution_id]


@pytest.fixture
def grading(template: str) -> Iterator[Service]:
    settings = PostgresSettings()
    name = f"grading_{new_id().replace('-', '')}"
    owner = copied(template, name)
    start = {number: offset for (_, number), offset in ends(ASSESSMENTS.name).items()}
    app = psycopg.conninfo.make_conninfo(settings.app_url, dbname=name)
    made = Service(owner, app, new_id(), start)
    with psycopg.connect(owner, autocommit=True) as connection:
        begin_at_the_end(connection, "assessment.grading", [ASSESSMENTS.name])
    yield made
    for process in made.processes:
        process.kill()
        process.wait()
    with psycopg.connect(settings.lms_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def working(grading: Service) -> AsyncIterator[Any]:
    """Transactions of the institution, on the test's own database."""
    connections = pool(grading.app_url)
    async with connections:
        yield lambda: transaction(connections, service("test", grading.institution_id))


@dataclass
class Quiz:
    """Three questions: a single choice, a number, and two points for a matching."""

    id: UUID
    questions: list[str]
    learners: list[str]


async def prepare(grading: Service) -> Quiz:
    async with working(grading) as work, work() as unit:
        teacher = await person(unit, "instructor")
        new = NewCourse(title="Statistics", instructor_id=teacher)
        course_id = (await courses.create(unit, new)).id
        bank = await banks.add(unit, course_id, NewBank(title="All"))
        asked = []
        for kind in ("single", "numeric", "matching"):
            body = dict(kinds()[kind].example)
            points = 2.0 if kind == "matching" else 1.0
            question = NewQuestion(kind=kind, points=points, body=body)
            asked.append(str((await banks.add_question(unit, bank.id, question)).id))
        work_set = await assessments.add(
            unit, course_id, NewAssessment(kind="quiz", title="Q", pass_score=50.0)
        )
        for question_id in asked:
            await slots.add(unit, work_set.id, NewPart(question_id=question_id))
        await publishing.publish(unit, course_id)
        learners = [await person(unit, "student") for _ in range(LEARNERS)]
        for learner in learners:
            await enrollments.enroll(unit, course_id, NewEnrollment(user_id=learner))
        return Quiz(work_set.id, asked, learners)


async def person(unit: Unit, role: Any) -> str:
    new = Registration(email=f"{new_id()}@example.org", name="Sam", role=role)
    return str((await users.register(unit, new)).id)


async def hand_in(grading: Service, quiz: Quiz, turns: list[tuple[str, int]]) -> dict[str, float]:
    """One attempt per turn, which is a learner and a number; the score that each must get."""
    expected: dict[str, float] = {}
    single, numeric, matching = quiz.questions
    async with working(grading) as work:
        for learner, number in turns:
            right = number % 2 == 0
            answers: list[tuple[str, dict[str, Any]]] = [
                (single, {"choice": "iqr" if right else "mode"}),
                (numeric, {"value": 3.33}),
            ]
            if right:
                answers.append((matching, {"pairs": {"bar": "cat", "hist": "two"}}))
            async with work() as unit:
                now = datetime.now(UTC)
                begun = await attempts.start(unit, quiz.id, NewAttempt(user_id=learner), now)
                for question_id, answer in answers:
                    new = NewAnswer(question_id=question_id, answer=answer)
                    await attempts.save(unit, begun["id"], new, now)
                await attempts.submit(unit, begun["id"], now)
            expected[str(begun["id"])] = 75.0 if right else 25.0
    return expected


@pytest.mark.timeout(600)  # it starts nine processes, on a machine that may be busy
def test_killed_at_each_of_its_steps_it_grades_each_of_200_submissions_once(
    grading: Service,
) -> None:
    quiz = asyncio.run(prepare(grading))
    turns = [(learner, number) for number in range(ATTEMPTS) for learner in quiz.learners]
    size = -(-len(turns) // len(STEPS))
    relay = grading.run("core_lms.outbox")
    expected: dict[str, float] = {}
    for turn, step in enumerate(STEPS):
        # Not the first time where it comes often: some submissions are graded already then.
        nth = 3 if step == "handled" else 1
        dying = grading.run("core_lms.inbox", **{VARIABLE: f"{step}:{nth}"})
        expected |= asyncio.run(hand_in(grading, quiz, turns[turn * size : (turn + 1) * size]))
        assert dying.wait(120) == -signal.SIGKILL, step
    assert len(expected) == LEARNERS * ATTEMPTS

    survivor = grading.run("core_lms.inbox")
    until(lambda: grading.graded() == len(expected), "everything is graded", within_s=180)
    until(lambda: grading.rows("SELECT count(*) FROM outbox") == [(0,)], "the outbox drains")
    for process in (survivor, relay):
        process.send_signal(signal.SIGTERM)
        process.wait(30)

    scores = grading.rows("SELECT id::text, score::float FROM submissions")
    assert dict(scores) == expected
    emitted = grading.emitted()
    graded = [e["payload"] for e in emitted if e["event_type"] == "assessment.graded"]
    assert Counter(each["submission_id"] for each in graded) == dict.fromkeys(expected, 1)
    assert {each["submission_id"]: each["score"] for each in graded} == expected
    asked = [e["payload"] for e in emitted if e["event_type"] == "assessment.question.graded"]
    assert Counter((each["submission_id"], each["question_id"]) for each in asked) == {
        (submission, question): 1 for submission in expected for question in quiz.questions
    }
    assert len({event["event_id"] for event in emitted}) == len(emitted)
    [[passed, wrong]] = grading.rows(
        "SELECT count(*) FILTER (WHERE passed), count(*) FILTER (WHERE graded <> %s) "
        "FROM assessment_scores",
        ATTEMPTS,
    )
    assert (passed, wrong) == (LEARNERS, 0), "every learner's attempts are counted"
    [[completed]] = grading.rows("SELECT count(*) FROM enrollments WHERE status = 'completed'")
    assert completed == LEARNERS, "and whoever passed has completed the course"
