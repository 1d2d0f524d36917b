"""Assessments, submissions, grades and feedback as they cross HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from contracts.event import Id, Kind, Percent, Timestamp
from core_lms.assessment.scoring import Rule
from core_lms.moments import ImportedAt
from gateway.text import Body, Text, Title, example

AfterLimit = Literal["refuse", "flag"]
Release = Literal["at_once", "after_due", "manual"]
MaxAttempts = Annotated[int, Field(ge=1, le=1000)]
TimeLimit = Annotated[int, Field(ge=10, le=604_800)]
Grace = Annotated[int, Field(ge=0, le=3600)]


class NewAssessment(Body):
    """Work to hand in, in the course of the path; with questions (its parts) it is a quiz."""

    model_config = example(
        kind="quiz",
        title="Reading a histogram",
        due_at="2026-03-01T12:00:00Z",
        weight=10,
        pass_score=60,
        max_attempts=3,
        score_rule="best",
        time_limit_s=1200,
    )

    kind: Kind
    title: Title
    due_at: Timestamp | None = None
    """Work handed in later is late, and loses ``late_penalty`` percent of its score."""
    weight: Percent = 0.0
    """Share of the final mark, in percent."""
    required: bool = True
    """Whether completing the course needs it: handed in, or passed where ``pass_score`` is set."""
    opens_at: Timestamp | None = None
    closes_at: Timestamp | None = None
    """Nothing is begun or handed in afterwards."""
    late_penalty: Percent = 0.0
    pass_score: Percent | None = None
    max_attempts: MaxAttempts | None = None
    """None: as many as the learner likes."""
    score_rule: Rule = "best"
    """Which of several attempts counts."""
    time_limit_s: TimeLimit | None = None
    grace_s: Grace = 5
    """Seconds that an answer may come after the limit: the network's time, not the learner's."""
    after_limit: AfterLimit = "refuse"
    """What becomes of answers later than that."""
    shuffle_questions: bool = False
    shuffle_choices: bool = True
    release: Release = "at_once"
    """When learners see scores and results."""
    show_solutions: bool = True
    """Whether the results say what would have been right."""


class AssessmentChange(Body):
    """What to change; fields left out stay as they are, null empties what may be empty."""

    model_config = example(due_at="2026-03-08T12:00:00Z", max_attempts=None)

    title: Title | None = None
    due_at: Timestamp | None = None
    weight: Percent | None = None
    required: bool | None = None
    opens_at: Timestamp | None = None
    closes_at: Timestamp | None = None
    late_penalty: Percent | None = None
    pass_score: Percent | None = None
    max_attempts: MaxAttempts | None = None
    score_rule: Rule | None = None
    time_limit_s: TimeLimit | None = None
    grace_s: Grace | None = None
    after_limit: AfterLimit | None = None
    shuffle_questions: bool | None = None
    shuffle_choices: bool | None = None
    release: Release | None = None
    show_solutions: bool | None = None


MAY_BE_EMPTY = {"due_at", "opens_at", "closes_at", "pass_score", "max_attempts", "time_limit_s"}


class Assessment(BaseModel):
    """Work to hand in."""

    id: UUID
    institution_id: UUID
    course_id: UUID
    kind: str
    title: str
    due_at: datetime | None
    weight: float
    required: bool
    opens_at: datetime | None
    closes_at: datetime | None
    late_penalty: float
    pass_score: float | None
    max_attempts: int | None
    score_rule: Rule
    time_limit_s: int | None
    grace_s: int
    after_limit: AfterLimit
    shuffle_questions: bool
    shuffle_choices: bool
    release: Release
    show_solutions: bool
    released_at: datetime | None
    created_at: datetime
    updated_at: datetime


class NewSubmission(Body):
    """A learner hands in work that asks no questions."""

    model_config = example(user_id="0190f5a2-7c1e-7b54-9d0a-3f2b6f1f0c11")

    user_id: Id
    occurred_at: ImportedAt = None


class Grade(Body):
    """A score, from 0 to 100; a later one replaces it."""

    model_config = example(score=87.5)

    score: Percent
    graded_by: Id | None = None
    """None: graded by a machine."""
    occurred_at: ImportedAt = None


class NewFeedback(Body):
    """What somebody says about handed-in work."""

    model_config = example(
        given_by="0190f5a2-7c1e-7b54-9d0a-3f2b6f1f0c11", text="Good reasoning; label the axes."
    )

    given_by: Id
    text: Annotated[Text, Field(min_length=1, max_length=20_000, pattern=r"\S")]


class Submission(BaseModel):
    """Handed-in work; score and passing are null until it is graded and the results are out."""

    id: UUID
    institution_id: UUID
    assessment_id: UUID
    user_id: UUID
    course_id: UUID
    submitted_at: datetime
    attempt: int | None = None
    """Which of the learner's attempts; null where the work asks no questions."""
    late: bool | None = None
    score: float | None
    passed: bool | None = None
    graded_at: datetime | None
    graded_by: UUID | None


class Feedback(BaseModel):
    """A comment on handed-in work."""

    id: UUID
    institution_id: UUID
    submission_id: UUID
    given_by: UUID
    text: str | None
    """Null: the learner was erased."""
    created_at: datetime


class Score(BaseModel):
    """What an assessment counts for a learner, by its rule for several attempts."""

    assessment_id: UUID
    user_id: UUID
    score: float
    passed: bool | None
    graded: int
    """How many submissions have a score."""
    updated_at: datetime
