"""Question banks, questions, and what an assessment asks, as they cross HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.event import Id, Kind
from core_lms.assessment.kinds import kinds
from gateway.text import Body, JsonObject, Text, Title, example

Tag = Annotated[Text, Field(min_length=1, max_length=50, pattern=r"^\S(.*\S)?$")]
Tags = Annotated[list[Tag], Field(max_length=20)]
Points = Annotated[float, Field(ge=0.01, le=1000, allow_inf_nan=False)]
Why = Annotated[Text, Field(min_length=1, max_length=2000, pattern=r"\S")]

_ID = "0190f5a2-7c1e-7b54-9d0a-3f2b6f1f0c11"


def _examples() -> list[Any]:
    return [
        {"kind": name, "points": 1, "tags": ["histograms"], "body": dict(kind.example)}
        for name, kind in kinds().items()
    ]


class NewBank(Body):
    """A bank of questions in the course of the path."""

    model_config = example(title="Histograms")

    title: Title


class Bank(BaseModel):
    """Questions that belong together."""

    id: UUID
    institution_id: UUID
    course_id: UUID
    title: str
    created_at: datetime
    updated_at: datetime


class NewQuestion(Body):
    """A question in the bank of the path. `/question-kinds` says what its body has."""

    model_config = ConfigDict(json_schema_extra={"examples": _examples()})

    kind: Kind
    points: Points = 1.0
    tags: Tags = Field(default_factory=list)
    body: JsonObject


class QuestionChange(Body):
    """A new body is a new version; attempts under way keep the one they began with."""

    model_config = example(
        body={"prompt": "What is 2 + 2?", "value": 4}, corrects=True, why="The key said 5."
    )

    points: Points | None = None
    tags: Tags | None = None
    body: JsonObject | None = None
    corrects: bool = False
    """The version before was wrong: whoever saw it is to be graded by this one."""
    why: Why | None = None


class Question(BaseModel):
    """A question with its key: for those who teach."""

    id: UUID
    institution_id: UUID
    bank_id: UUID
    course_id: UUID
    kind: str
    points: float
    tags: list[str]
    version: int
    body: dict[str, Any]
    archived_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Version(BaseModel):
    """What a question said once."""

    question_id: UUID
    version: int
    body: dict[str, Any]
    corrects: bool
    why: str | None
    written_by: UUID | None
    created_at: datetime


class QuestionKind(BaseModel):
    """A kind of question: JSON Schemas of how it is written and how it is answered."""

    name: str
    question: dict[str, Any]
    answer: dict[str, Any]
    example: dict[str, Any]


class NewPart(Body):
    """One question, or some drawn from a bank for each attempt anew."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"question_id": _ID, "points": 2},
                {"bank_id": _ID, "tags": ["histograms"], "draws": 5, "position": 1},
            ]
        }
    )

    position: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    question_id: Id | None = None
    bank_id: Id | None = None
    tags: Tags = Field(default_factory=list)
    """Drawn questions have all of these."""
    draws: Annotated[int, Field(ge=1, le=200)] | None = None
    points: Points | None = None
    """Of each question; null: the question's own."""

    @model_validator(mode="after")
    def _one_of_both(self) -> NewPart:
        if (self.question_id is None) == (self.bank_id is None):
            raise ValueError("a part has either question_id or bank_id")
        if (self.bank_id is None) != (self.draws is None):
            raise ValueError("draws is for a part with bank_id, which needs it")
        return self


class Part(BaseModel):
    """What an assessment asks."""

    id: UUID
    assessment_id: UUID
    position: int
    question_id: UUID | None
    bank_id: UUID | None
    tags: list[str]
    draws: int | None
    points: float | None


class NewRegrade(Body):
    """Grade every answer to the question again, by what holds now."""

    model_config = example(why="The key said 5.")

    why: Why


class Regrade(BaseModel):
    """What grading again came to."""

    id: UUID
    question_id: UUID
    version: int
    why: str
    asked_by: UUID | None
    looked_at: int
    """Answers that were graded again."""
    changed: int
    """Scores that changed; each is an event `assessment.graded`."""
    created_at: datetime
