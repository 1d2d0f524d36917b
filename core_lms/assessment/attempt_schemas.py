"""Attempts, answers, results and what is granted to a learner, as they cross HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.event import Id
from core_lms.assessment.question_schemas import Why
from core_lms.assessment.schemas import Feedback, Submission
from gateway.text import Body, JsonObject, Text, example

Status = Literal["open", "submitted", "waiting", "graded"]

_ID = "0190f5a2-7c1e-7b54-9d0a-3f2b6f1f0c11"


class NewAttempt(Body):
    """Whose attempt it is; left out, the caller's own."""

    model_config = example()

    user_id: Id | None = None


class AskedQuestion(BaseModel):
    """A question of an attempt, as its learner sees it, and the answer saved last."""

    question_id: UUID
    position: int
    kind: str
    points: float
    shown: dict[str, Any]
    answer: dict[str, Any] | None
    revision: int
    answered_at: datetime | None


class Attempt(BaseModel):
    """A learner's attempt; its id becomes the submission's."""

    id: UUID
    assessment_id: UUID
    user_id: UUID
    course_id: UUID
    number: int
    status: Status
    started_at: datetime
    expires_at: datetime | None
    """By the server's clock, of which ``now`` is the reading."""
    submitted_at: datetime | None
    over_time: bool
    """An answer came after the limit and was let in."""


class AttemptShown(Attempt):
    """The same with its questions."""

    now: datetime
    questions: list[AskedQuestion]


class NewAnswer(Body):
    """An answer, saved as often as the client likes; the last one counts."""

    model_config = example(question_id=_ID, answer={"choice": "iqr"}, revision=3, seconds=41.5)

    question_id: Id
    answer: JsonObject | None
    """What the question's kind reads; null takes the answer back."""
    revision: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    """Counts up with each save: one that arrives late does not undo a newer one."""
    seconds: Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)] | None = None
    """How long the question has been open altogether."""


class Saved(BaseModel):
    """What is saved now, which is not what was sent where a newer revision is."""

    question_id: UUID
    answer: dict[str, Any] | None
    revision: int
    answered_at: datetime | None
    over_time: bool


class NewAccommodation(Body):
    """What a learner gets beyond the others, at one assessment or all of a course."""

    model_config = example(user_id=_ID, time_factor=1.5, extension_s=172_800)

    user_id: Id
    time_factor: Annotated[float, Field(ge=1, le=10)] = 1.0
    extra_attempts: Annotated[int, Field(ge=0, le=1000)] = 0
    extension_s: Annotated[int, Field(ge=0, le=31_622_400)] = 0
    """Due and closing dates are that much later."""


class Accommodation(BaseModel):
    """What was granted; granting again replaces it."""

    id: UUID
    course_id: UUID
    assessment_id: UUID | None
    user_id: UUID
    time_factor: float
    extra_attempts: int
    extension_s: int
    granted_by: UUID | None
    created_at: datetime


class QuestionGrade(Body):
    """Points for one question, by the criteria of its rubric or outright."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"criteria": {"idea": 5, "words": 4}, "feedback": "A vivid example."},
                {"points": 1.5, "why": "The answer in the book is wrong."},
            ]
        }
    )

    points: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] | None = None
    criteria: dict[str, Annotated[float, Field(ge=0, le=1000)]] | None = None
    """Points by criterion; together they are the share of the question's points."""
    feedback: Annotated[Text, Field(min_length=1, max_length=20_000, pattern=r"\S")] | None = None
    why: Why | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> QuestionGrade:
        if (self.points is None) == (self.criteria is None):
            raise ValueError("give either points or criteria")
        return self


class Result(BaseModel):
    """What an answer was worth."""

    question_id: UUID
    position: int
    kind: str
    version: int
    shown: dict[str, Any]
    answer: dict[str, Any] | None
    points: float | None
    """Null: not graded yet."""
    max_points: float
    correct: bool | None
    criteria: dict[str, float] | None
    feedback: str | None
    explanation: str | None
    solution: dict[str, Any] | None
    """Null where solutions are not shown."""
    graded_by: UUID | None


class Results(BaseModel):
    """A submission, question by question."""

    submission: Submission
    status: Status
    questions: list[Result]
    feedback: list[Feedback]


class WaitingSubmission(BaseModel):
    """Work that waits for a person."""

    id: UUID
    assessment_id: UUID
    user_id: UUID
    number: int
    submitted_at: datetime
    questions: int
    """How many of its questions are not graded yet."""


class HistoryEntry(BaseModel):
    """One change of a score (``question_id`` null) or of a question's points."""

    id: UUID
    submission_id: UUID
    question_id: UUID | None
    before: float | None
    after: float
    reason: Literal["graded", "manual", "regrade"]
    why: str | None
    regrade_id: UUID | None
    changed_by: UUID | None
    created_at: datetime
