"""A text that a person reads, by a rubric."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from core_lms.assessment import kinds
from core_lms.assessment.kinds import Line, MarkId, Verdict, new_mark
from gateway.text import Body, LongText


class Criterion(Body):
    """One thing the reader judges, and how much it weighs."""

    id: MarkId = Field(default_factory=new_mark)
    title: Line
    description: LongText | None = None
    points: Annotated[float, Field(gt=0, le=1000)]


class Question(kinds.Question):
    """What to write about. Learners see the rubric: it says what is wanted, not what is right."""

    rubric: list[Criterion] = Field(default_factory=list, max_length=20)
    max_words: Annotated[int, Field(ge=1, le=3000)] | None = None

    @model_validator(mode="after")
    def _differ(self) -> Question:
        if len({criterion.id for criterion in self.rubric}) < len(self.rubric):
            raise ValueError("two criteria have the same id")
        return self


class Answer(Body):
    """What the learner wrote."""

    text: LongText


class Essay:
    """A person grades what was written; who wrote nothing gets nothing at once."""

    name = "essay"
    question = Question
    answer = Answer
    by_person = True
    example: ClassVar[dict[str, Any]] = {
        "prompt": "Explain to a friend why the mean can mislead.",
        "rubric": [
            {"id": "idea", "title": "The idea is right", "points": 6},
            {"id": "words", "title": "A friend would understand it", "points": 4},
        ],
        "max_words": 300,
    }

    def grade(self, question: Question, answer: Answer) -> Verdict | None:
        return None if answer.text.strip() else Verdict(0.0, None, None)

    def show(self, question: Question, seed: str | None) -> dict[str, Any]:
        return {
            "prompt": question.prompt,
            "rubric": [criterion.model_dump() for criterion in question.rubric],
            "max_words": question.max_words,
        }

    def solution(self, question: Question) -> dict[str, Any]:
        return {}


kind = Essay()
