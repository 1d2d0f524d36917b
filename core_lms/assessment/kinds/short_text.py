"""A word or a few, compared with the accepted ones."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from core_lms.assessment import kinds
from core_lms.assessment.kinds import Line, MarkId, Verdict, new_mark
from gateway.text import Body, Text


class Accepted(Body):
    """A text that counts, wholly or in part."""

    id: MarkId = Field(default_factory=new_mark)
    text: Line
    share: Annotated[float, Field(gt=0, le=1)] = 1.0


class Question(kinds.Question):
    """Accepted texts; spaces, width and (unless set otherwise) case and accents do not matter."""

    accepted: Annotated[list[Accepted], Field(min_length=1, max_length=50)]
    case_matters: bool = False
    accents_matter: bool = False

    @model_validator(mode="after")
    def _differ(self) -> Question:
        if len({each.id for each in self.accepted}) < len(self.accepted):
            raise ValueError("two accepted texts have the same id")
        texts = [self.normalised(each.text) for each in self.accepted]
        if len(set(texts)) < len(texts):
            raise ValueError("two accepted texts are the same once normalised")
        if not all(texts):
            raise ValueError("an accepted text is empty once normalised")
        if max(each.share for each in self.accepted) < 1:
            raise ValueError("one accepted text is worth all of it: share 1")
        return self

    def normalised(self, text: str) -> str:
        """``text`` as it is compared: ``"  Café\\tau lait "`` → ``"cafe au lait"``."""
        if not self.accents_matter:
            apart = unicodedata.normalize("NFKD", text)
            text = "".join(c for c in apart if not unicodedata.combining(c))
        if not self.case_matters:
            text = unicodedata.normalize("NFKC", text).casefold()
        return " ".join(unicodedata.normalize("NFKC", text).split())


class Answer(Body):
    """What the learner wrote."""

    text: Annotated[Text, Field(max_length=1000)]


class ShortText:
    """Worth what the accepted text it equals is worth."""

    name = "short_text"
    question = Question
    answer = Answer
    by_person = False
    example: ClassVar[dict[str, Any]] = {
        "prompt": "What is the value called that occurs most often?",
        "accepted": [{"id": "mode", "text": "mode"}, {"id": "modal", "text": "modal value"}],
    }

    def grade(self, question: Question, answer: Answer) -> Verdict:
        written = question.normalised(answer.text)
        for each in question.accepted:
            if question.normalised(each.text) == written:
                return Verdict(each.share, each.share == 1, each.id)
        return Verdict(0.0, False, None)

    def show(self, question: Question, seed: str | None) -> dict[str, Any]:
        return {"prompt": question.prompt}

    def solution(self, question: Question) -> dict[str, Any]:
        return {"accepted": [{"text": e.text, "share": e.share} for e in question.accepted]}


kind = ShortText()
