"""Things on the left belong to things on the right."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from core_lms.assessment import kinds
from core_lms.assessment.arranging import arranged
from core_lms.assessment.kinds import Line, MarkId, Verdict, new_mark
from gateway.text import Body


class Pair(Body):
    """What belongs together."""

    left_id: MarkId = Field(default_factory=new_mark)
    left: Line
    right_id: MarkId = Field(default_factory=new_mark)
    right: Line


class Distractor(Body):
    """Something on the right that belongs to nothing."""

    id: MarkId = Field(default_factory=new_mark)
    text: Line


class Question(kinds.Question):
    """Pairs to be found, among distractors."""

    pairs: Annotated[list[Pair], Field(min_length=2, max_length=10)]
    distractors: list[Distractor] = Field(default_factory=list, max_length=10)
    scoring: Literal["partial", "all_or_nothing"] = "partial"

    @model_validator(mode="after")
    def _one_way(self) -> Question:
        for side, ids in (
            ("left", [pair.left_id for pair in self.pairs]),
            ("right", self.rights()),
        ):
            if len(set(ids)) < len(ids):
                raise ValueError(f"two things on the {side} have the same id")
        texts = [pair.right for pair in self.pairs] + [d.text for d in self.distractors]
        if len(set(texts)) < len(texts):
            raise ValueError("two things on the right read the same: nobody could tell which")
        return self

    def rights(self) -> list[str]:
        return [pair.right_id for pair in self.pairs] + [d.id for d in self.distractors]


class Answer(Body):
    """For each thing on the left, the one on the right; what is left out is open."""

    pairs: Annotated[dict[MarkId, MarkId], Field(max_length=10)]


class Matching:
    """Partial credit: the share of the pairs that were found."""

    name = "matching"
    question = Question
    answer = Answer
    by_person = False
    example: ClassVar[dict[str, Any]] = {
        "prompt": "Which picture goes with which data?",
        "pairs": [
            {"left_id": "bar", "left": "Bar chart", "right_id": "cat", "right": "Categories"},
            {"left_id": "hist", "left": "Histogram", "right_id": "num", "right": "One number each"},
        ],
        "distractors": [{"id": "two", "text": "Pairs of numbers"}],
    }

    def grade(self, question: Question, answer: Answer) -> Verdict:
        found = sum(answer.pairs.get(pair.left_id) == pair.right_id for pair in question.pairs)
        right = found == len(question.pairs)
        share = found / len(question.pairs)
        if question.scoring == "all_or_nothing":
            share = float(right)
        left, to = {pair.left_id for pair in question.pairs}, set(question.rights())
        given = [f"{a}:{b}" for a, b in sorted(answer.pairs.items()) if a in left and b in to]
        return Verdict(share, right, ",".join(given) or None)

    def show(self, question: Question, seed: str | None) -> dict[str, Any]:
        right = [(pair.right_id, pair.right) for pair in question.pairs]
        right += [(each.id, each.text) for each in question.distractors]
        # Even where choices are not shuffled: as written, each stands beside its own. By text, or
        # those that belong to nothing would stand at the end.
        order = arranged(right, seed, lambda item: item[0]) if seed else sorted(right, key=_text)
        return {
            "prompt": question.prompt,
            "left": [{"id": pair.left_id, "text": pair.left} for pair in question.pairs],
            "right": [{"id": id_, "text": text} for id_, text in order],
        }

    def solution(self, question: Question) -> dict[str, Any]:
        return {"pairs": {pair.left_id: pair.right_id for pair in question.pairs}}


def _text(item: tuple[str, str]) -> str:
    return item[1]


kind = Matching()
