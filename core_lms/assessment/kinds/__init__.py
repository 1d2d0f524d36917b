"""Kinds of questions: each is one file here, or an entry point of the group below.

A kind knows four things about its questions: how they are written (``question``), how they are
answered (``answer``), what an answer is worth (``grade``, a pure function) and what a learner may
see before the results are out (``show``, which must not depend on the key).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol

from pydantic import Field, ValidationError

from contracts.errors import Rejected
from core_lms.plugins import Point, plugins
from gateway.text import Body, LongText, Text

_ALPHABET = "abcdefghijkmnopqrstuvwxyz23456789"

MarkId = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,8}$")]
"""Names a choice for good: answers and events refer to it, whatever becomes of its text. So short
that an answer fits into an event."""

Line = Annotated[Text, Field(min_length=1, max_length=1000, pattern=r"\S")]


def new_mark() -> str:
    """An id that says nothing: one that followed the order of writing would give the key away."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(6))


class Question(Body):
    """What the questions of all kinds have."""

    prompt: Annotated[LongText, Field(min_length=1, pattern=r"\S")]
    explanation: LongText | None = None
    """Shown with the results."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer is worth."""

    share: float
    """Of the question's points, from 0 to 1."""
    correct: bool | None
    """None where right and wrong is not the measure."""
    response: str | None
    """The answer as events carry it: ids of choices or a plain number, never what was written."""


class Kind(Protocol):
    """What a kind is; values of ``question`` and ``answer`` are validated before they get here."""

    name: str
    question: type[Any]
    """The pydantic model of a question, a subclass of ``Question``."""
    answer: type[Any]
    """The pydantic model of an answer."""
    by_person: bool
    """Whether a person decides; then right and wrong is not the measure."""
    example: Mapping[str, Any]
    """A question, as a client would send it."""

    def grade(self, question: Any, answer: Any) -> Verdict | None:
        """What the answer is worth; None: a person decides."""
        ...

    def show(self, question: Any, seed: str | None) -> dict[str, Any]:
        """The question without its key, its choices in the order of ``seed`` (None: as written)."""
        ...

    def solution(self, question: Any) -> dict[str, Any]:
        """The key, for the results."""
        ...


POINT = Point[Kind](
    "learnstream.question_kinds",
    Kind,
    Path(__file__).parent,
    attribute="kind",
    about="kinds of questions: how they are written, answered, graded and shown",
)

NOTHING = Verdict(0.0, False, None)
"""What a question is worth that was not answered."""


def kinds() -> Mapping[str, Kind]:
    """Every kind by its name."""
    return plugins(POINT)


def kind_of(name: str) -> Kind:
    """Raises ``Rejected`` for a name nobody has."""
    known = kinds()
    if name not in known:
        raise Rejected(f"kind: there is no kind of question {name!r}; known: {', '.join(known)}")
    return known[name]


def read_question(kind: Kind, body: Mapping[str, Any]) -> Any:
    """A question as its kind reads it; raises ``Rejected`` with the place of what is wrong."""
    return _read(kind.question, body, "body")


def read_answer(kind: Kind, body: Mapping[str, Any]) -> Any:
    """An answer as its kind reads it; raises ``Rejected`` with the place of what is wrong."""
    return _read(kind.answer, body, "answer")


def _read(model: type[Any], body: Mapping[str, Any], where: str) -> Any:
    try:
        return model.model_validate(dict(body))
    except ValidationError as error:
        # The refused value stays out: it may be what a learner wrote.
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join([where, *map(str, first["loc"])])
        raise Rejected(f"{place}: {first['msg']}", pointer=f"#/{place.replace('.', '/')}") from None
