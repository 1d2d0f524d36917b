"""The context's statements, and the rows that are more than what the API shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from core_lms.assessment.attempt_schemas import Accommodation, Attempt, HistoryEntry
from core_lms.assessment.question_schemas import Bank, Part, Regrade, Version
from core_lms.assessment.schemas import Assessment, Score, Submission
from core_lms.assessment.scoring import Rule
from stack.queries import load


class AssessmentToTake(Assessment):
    """An assessment, the status of its course, and whether it asks questions."""

    course_status: str
    asks: bool


class StoredAttempt(Attempt):
    """An attempt with what its learner does not see."""

    seed: str
    grace_s: int


class SealedAttempt(StoredAttempt):
    """An attempt with its learner's key, None where they were erased."""

    wrapped_key: bytes | None


class LockedAttempt(SealedAttempt):
    """An attempt that nobody else changes until we commit, with the rules that hold for it."""

    late_penalty: Decimal
    after_limit: str
    forgotten: bool
    """Whether the learner was erased."""


class ListedScore(Score):
    """A score in a list, under the id that its pages go by."""

    id: UUID


class ListedSubmission(Submission):
    """A submission in a list, whose order is that of arriving."""

    created_at: datetime


class LockedSubmission(Submission):
    """A submission that nobody else grades until we commit, with what grading asks."""

    kind: str
    pass_score: Decimal | None
    score_rule: Rule
    wrapped_key: bytes | None


class SealedEntry(HistoryEntry):
    """An entry of a grade's history as it is stored."""

    why_sealed: bytes | None


class KeyedEntry(SealedEntry):
    """The same with whose grade it is, and their key."""

    user_id: UUID
    wrapped_key: bytes | None


@dataclass(frozen=True, slots=True)
class SealedFeedback:
    """A comment as it is stored; ``text`` is of a row that was never sealed."""

    id: UUID
    institution_id: UUID
    submission_id: UUID
    given_by: UUID
    created_at: datetime
    text_sealed: bytes | None
    text: str | None
    user_id: UUID
    wrapped_key: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """A question of an attempt with its answer and what that was worth."""

    attempt_id: UUID
    question_id: UUID
    position: int
    version: int
    max_points: Decimal
    answer: dict[str, Any] | None
    answer_sealed: bytes | None
    revision: int
    answered_at: datetime | None
    seconds: Decimal | None
    points: Decimal | None
    correct: bool | None
    response: str | None
    graded_by: UUID | None
    criteria: dict[str, float] | None
    feedback: str | None
    feedback_sealed: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedQuestion(StoredAnswer):
    """The same with the question as the learner saw it."""

    kind: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerToJudge:
    """An answer with the version of the question whose key decides."""

    attempt_id: UUID
    question_id: UUID
    version: int
    answer: dict[str, Any] | None
    answer_sealed: bytes | None
    max_points: Decimal
    seconds: Decimal | None
    kind: str
    judging_version: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerToRegrade(AnswerToJudge):
    """The same with what it was worth before, and whose it is."""

    points: Decimal | None
    correct: bool | None
    response: str | None
    user_id: UUID
    wrapped_key: bytes | None


@dataclass(frozen=True, slots=True)
class Askable:
    """A question that a slot of an assessment may ask."""

    slot_id: UUID
    id: UUID
    version: int
    points: Decimal


@dataclass(frozen=True, slots=True)
class Tally:
    """What one question of an attempt was worth, None while it waits."""

    question_id: UUID
    points: Decimal | None
    max_points: Decimal


@dataclass(frozen=True, slots=True)
class RunningAttempt:
    """An open attempt that a grant may give more time."""

    id: UUID
    started_at: datetime
    assessment_id: UUID


_ROWS: dict[str, type[Any]] = {
    "assessment": Assessment,
    "accommodation": Accommodation,
    "attempt": Attempt,
    "stored": StoredAttempt,
    "answer": StoredAnswer,
    "bank": Bank,
    "entry": SealedEntry,
    "regrade": Regrade,
    "score": Score,
    "slot": Part,
    "submission": Submission,
    "version": Version,
}

SQL: dict[str, str] = {}
for _file in ("queries.sql", "questions.sql", "attempts.sql", "grading.sql"):
    _more = load(__file__, _file, **_ROWS)
    if _twice := SQL.keys() & _more.keys():
        raise TypeError(f"core_lms/assessment/{_file}: {sorted(_twice)} are there already")
    SQL |= _more
