"""Several choices may be right."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from core_lms.assessment import kinds
from core_lms.assessment.kinds import MarkId, Verdict
from core_lms.assessment.kinds.single import Choices, checked, key, shown
from gateway.text import Body


class Question(kinds.Question):
    """Choices, some of which are right."""

    choices: Choices
    scoring: Literal["partial", "all_or_nothing"] = "partial"

    @model_validator(mode="after")
    def _some_are_right(self) -> Question:
        if checked(self.choices) < 1:
            raise ValueError("at least one choice is correct")
        return self


class Answer(Body):
    """The choices taken; taking none is an answer too."""

    choices: Annotated[list[MarkId], Field(max_length=20)]

    @model_validator(mode="after")
    def _each_once(self) -> Answer:
        if len(set(self.choices)) < len(self.choices):
            raise ValueError("a choice is taken twice")
        return self


class Multiple:
    """Partial credit: right choices less wrong ones, of all right ones, never below zero."""

    name = "multiple"
    question = Question
    answer = Answer
    by_person = False
    example: ClassVar[dict[str, Any]] = {
        "prompt": "Which of these are measures of location?",
        "choices": [
            {"id": "mean", "text": "The mean", "correct": True},
            {"id": "median", "text": "The median", "correct": True},
            {"id": "range", "text": "The range"},
        ],
        "scoring": "partial",
    }

    def grade(self, question: Question, answer: Answer) -> Verdict:
        right = {choice.id for choice in question.choices if choice.correct}
        taken = set(answer.choices)
        share = max(0, len(taken & right) - len(taken - right)) / len(right)
        if question.scoring == "all_or_nothing":
            share = float(taken == right)
        known = taken & {choice.id for choice in question.choices}
        return Verdict(share, taken == right, ",".join(sorted(known)) or None)

    def show(self, question: Question, seed: str | None) -> dict[str, Any]:
        return {"prompt": question.prompt, "choices": shown(question.choices, seed)}

    def solution(self, question: Question) -> dict[str, Any]:
        return {"choices": key(question.choices)}


kind = Multiple()
