"""A number, right within a tolerance."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import Field

from core_lms.assessment import kinds
from core_lms.assessment.kinds import Verdict
from gateway.text import Body, Text

Number = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]


class Question(kinds.Question):
    """``value``, give or take ``tolerance``."""

    value: Number
    tolerance: Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)] = 0.0
    relative: bool = False
    """The tolerance is a share of the value: 0.05 is five percent."""
    unit: Annotated[Text, Field(max_length=50)] | None = None
    """Written behind the field; the answer is the number alone."""


class Answer(Body):
    """The number."""

    value: Number


class Numeric:
    """Right or wrong."""

    name = "numeric"
    question = Question
    answer = Answer
    by_person = False
    example: ClassVar[dict[str, Any]] = {
        "prompt": "What is the mean of 2, 3 and 5, to two decimals?",
        "value": 3.33,
        "tolerance": 0.005,
    }

    def grade(self, question: Question, answer: Answer) -> Verdict:
        # As written, not as stored: in binary, 0.4 is further from 0.3 than 0.1.
        value, given = _written(question.value), _written(answer.value)
        tolerance = _written(question.tolerance) * (abs(value) if question.relative else 1)
        right = abs(given - value) <= tolerance
        return Verdict(float(right), right, f"{answer.value:.12g}")

    def show(self, question: Question, seed: str | None) -> dict[str, Any]:
        return {"prompt": question.prompt, "unit": question.unit}

    def solution(self, question: Question) -> dict[str, Any]:
        return {
            "value": question.value,
            "tolerance": question.tolerance,
            "relative": question.relative,
        }


def _written(value: float) -> Decimal:
    return Decimal(repr(float(value)))


kind = Numeric()
