"""A text, right where a word is in it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from core_lms.assessment import kinds
from core_lms.assessment.kinds import Line, Verdict
from gateway.text import Body, Text


class Question(kinds.Question):
    """``word`` in any case."""

    word: Line


class Answer(Body):
    """The text."""

    text: Annotated[Text, Field(max_length=1000)]


class Keyword:
    """Right or wrong."""

    name = "keyword"
    question = Question
    answer = Answer
    by_person = False
    example: ClassVar[dict[str, Any]] = {
        "prompt": "Which number does an outlier move most?",
        "word": "mean",
    }

    def grade(self, question: Question, answer: Answer) -> Verdict:
        right = question.word.casefold() in answer.text.casefold()
        return Verdict(float(right), right, None)

    def show(self, question: Question, seed: str | None) -> dict[str, Any]:
        return {"prompt": question.prompt}

    def solution(self, question: Question) -> dict[str, Any]:
        return {"word": question.word}


kind = Keyword()
