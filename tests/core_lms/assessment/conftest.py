"""A course with a learner, a teacher, a bank and a quiz; a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from contracts.envelope import Envelope, decode
from contracts.topics import ASSESSMENTS
from core_lms.assessment.clock import clock
from core_lms.assessment.consumers.grading import CONSUMER
from core_lms.assessment.kinds import kinds
from core_lms.unit import Unit
from tests.core_lms.units import in_unit

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@dataclass
class Clock:
    """What the server's clock says; a test moves it."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def after(self, **duration: float) -> datetime:
        self.now += timedelta(**duration)
        return self.now

    def text(self, **duration: float) -> str:
        """A moment as requests write it."""
        return (self.now + timedelta(**duration)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def time(http: Any) -> Iterator[Clock]:
    frozen = Clock()
    http.app.dependency_overrides[clock] = frozen
    yield frozen
    del http.app.dependency_overrides[clock]


def _handling(envelope: Envelope) -> Callable[[Unit], Any]:
    return lambda unit: CONSUMER.handle(unit, envelope)


@dataclass
class Quiz:
    """What a test needs of a course: ``lms`` may do everything, the others what they may."""

    lms: Any
    time: Clock
    course_id: str = ""
    bank_id: str = ""
    teacher_id: str = ""
    learner_id: str = ""
    graded: int = 0
    questions: dict[str, str] = field(default_factory=dict)

    @property
    def learner(self) -> Any:
        return self.lms.person(self.learner_id, "student@institution")

    @property
    def teacher(self) -> Any:
        return self.lms.person(self.teacher_id, "instructor@institution")

    def question(self, kind: str, **more: Any) -> str:
        body = {"kind": kind, "body": dict(kinds()[kind].example), **more}
        return str(self.lms.made(f"/banks/{self.bank_id}/questions", body)["id"])

    def assessment(self, *question_ids: str, **rules: Any) -> str:
        id_ = str(self.lms.assessment(self.course_id, **rules))
        for position, question_id in enumerate(question_ids):
            self.part(id_, question_id=question_id, position=position)
        return id_

    def part(self, assessment_id: str, **part: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.lms.made(f"/assessments/{assessment_id}/parts", part)
        return made

    def start(self, assessment_id: str, learner: Any = None) -> dict[str, Any]:
        learner = learner or self.learner
        made: dict[str, Any] = learner.made(f"/assessments/{assessment_id}/attempts", {})
        return made

    def answer(self, attempt_id: str, question_id: str, answer: Any, **more: Any) -> Any:
        body = {"question_id": question_id, "answer": answer, **more}
        return self.learner.post(f"/attempts/{attempt_id}/answers", body)

    def submitted(
        self, assessment_id: str, answers: dict[str, Any], learner: Any = None
    ) -> dict[str, Any]:
        """A submission with these answers by question, handed in and not graded yet."""
        learner = learner or self.learner
        attempt_id = self.start(assessment_id, learner)["id"]
        for question_id, answer in answers.items():
            body = {"question_id": question_id, "answer": answer}
            saved = learner.post(f"/attempts/{attempt_id}/answers", body)
            assert saved.status_code == 200, saved.text
        made: dict[str, Any] = learner.made(f"/attempts/{attempt_id}/submit", None)
        return made

    def grade(self) -> list[Envelope]:
        """Have the grading service hear what was handed in since the last time."""
        emitted = [e for e in self.lms.events() if e["event_type"] == "assessment.submitted"]
        heard = [decode(ASSESSMENTS.name, _bytes(event)) for event in emitted[self.graded :]]
        self.graded = len(emitted)
        assert CONSUMER.passes is not None
        for envelope in heard:
            if CONSUMER.passes(envelope):
                continue
            in_unit(envelope.institution_id, _handling(envelope), "grading")
        return heard

    def results(self, submission_id: str, who: Any = None) -> dict[str, Any]:
        response = (who or self.lms).get(f"/submissions/{submission_id}/results")
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    def emitted(self, event_type: str) -> list[dict[str, Any]]:
        return [e["payload"] for e in self.lms.events() if e["event_type"] == event_type]


def _bytes(event: dict[str, Any]) -> bytes:
    import json

    return json.dumps(event).encode()


@pytest.fixture
def quiz(lms: Any, time: Clock) -> Quiz:
    made = Quiz(lms, time)
    made.course_id = lms.course()
    course = lms.get(f"/courses/{made.course_id}").json()
    made.teacher_id = course["instructor_id"]
    made.learner_id = lms.user()
    lms.enrollment(made.course_id, made.learner_id)
    made.bank_id = lms.made(f"/courses/{made.course_id}/banks", {"title": "Statistics"})["id"]
    return made


@pytest.fixture
def owner(database: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """The database as its owner sees it: every tenant."""
    return database
