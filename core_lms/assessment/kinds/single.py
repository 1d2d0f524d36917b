"""One choice is right."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from core_lms.assessment import kinds
from core_lms.assessment.arranging import arranged
from core_lms.assessment.kinds import NOTHING, Line, MarkId, Verdict, new_mark
from gateway.text import Body, LongText


class Choice(Body):
    """One of the offered answers."""

    id: MarkId = Field(default_factory=new_mark)
    text: Line
    correct: bool = False
    feedback: LongText | None = None
    """Shown with the results to whoever took it."""


Choices = Annotated[list[Choice], Field(min_length=2, max_length=20)]


def checked(choices: list[Choice]) -> int:
    """How many of the choices are right; raises ``ValueError`` where two have one id."""
    if len({choice.id for choice in choices}) < len(choices):
        raise ValueError("two choices have the same id")
    return sum(choice.correct for choice in choices)


class Question(kinds.Question):
    """Choices, one of which is right."""

    choices: Choices

    @model_validator(mode="after")
    def _one_is_right(self) -> Question:
        if checked(self.choices) != 1:
            raise ValueError("exactly one choice is correct")
        return self


class Answer(Body):
    """The choice taken."""

    choice: MarkId


class Single:
    """Right or wrong."""

    name = "single"
    question = Question
    answer = Answer
    by_person = False
    example: ClassVar[dict[str, Any]] = {
        "prompt": "Which of these is a measure of spread?",
        "choices": [
            {"id": "iqr", "text": "The interquartile range", "correct": True},
            {"id": "median", "text": "The median"},
            {"id": "mode", "text": "The mode"},
        ],
        "explanation": "It spans the middle half of the data.",
    }

    def grade(self, question: Question, answer: Answer) -> Verdict:
        taken = next((c for c in question.choices if c.id == answer.choice), None)
        if taken is None:  # a choice that a later version no longer has
            return NOTHING
        return Verdict(float(taken.correct), taken.correct, taken.id)

    def show(self, question: Question, seed: str | None) -> dict[str, Any]:
        return {"prompt": question.prompt, "choices": shown(question.choices, seed)}

    def solution(self, question: Question) -> dict[str, Any]:
        return {"choices": key(question.choices)}


def shown(choices: list[Choice], seed: str | None) -> list[dict[str, str]]:
    """Ids and texts, in the order of ``seed``."""
    order = arranged(choices, seed, lambda choice: choice.id)
    return [{"id": choice.id, "text": choice.text} for choice in order]


def key(choices: list[Choice]) -> list[dict[str, Any]]:
    """Which are right, and what is to be said about each."""
    return [{"id": c.id, "correct": c.correct, "feedback": c.feedback} for c in choices]


kind = Single()
