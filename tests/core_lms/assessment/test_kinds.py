"""Kinds of questions: grading is pure, within bounds, and nobody sees a key before the results."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from contracts.errors import Rejected
from contracts.event import ShortText
from core_lms.assessment.kinds import POINT, Verdict, kind_of, kinds, read_answer, read_question

EVERY_KIND = pytest.mark.parametrize("name", sorted(kinds()))
MARKS = st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1, max_size=8)
NUMBERS = st.floats(-1e15, 1e15, allow_nan=False)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60)
_response = TypeAdapter(ShortText | None)


def example(name: str) -> tuple[Any, Any]:
    kind = kind_of(name)
    return kind, read_question(kind, kind.example)


def answers_to(name: str, question: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Answers of every shape that the kind reads: to the question's marks and to others."""
    if name == "single":
        return st.fixed_dictionaries(
            {"choice": st.sampled_from([c.id for c in question.choices]) | MARKS}
        )
    if name == "multiple":
        marks = st.sampled_from([c.id for c in question.choices]) | MARKS
        return st.fixed_dictionaries({"choices": st.lists(marks, max_size=20, unique=True)})
    if name == "numeric":
        return st.fixed_dictionaries({"value": NUMBERS | st.just(question.value)})
    if name == "matching":
        left = st.sampled_from([p.left_id for p in question.pairs]) | MARKS
        right = st.sampled_from(question.rights()) | MARKS
        return st.fixed_dictionaries({"pairs": st.dictionaries(left, right, max_size=10)})
    texts = st.sampled_from([a.text for a in getattr(question, "accepted", [])] or [""])
    return st.fixed_dictionaries({"text": WORDS | texts})


@EVERY_KIND
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_verdict_is_within_bounds_repeatable_and_fit_for_an_event(
    name: str, data: st.DataObject
) -> None:
    kind, question = example(name)
    body = data.draw(answers_to(name, question))
    answer = read_answer(kind, body)
    before = copy.deepcopy((question, answer))

    verdict = kind.grade(question, answer)

    assert verdict == kind.grade(question, answer)
    assert (question, answer) == before
    if verdict is None:
        assert name == "essay"
        return
    assert 0 <= verdict.share <= 1
    if verdict.correct is not None:
        assert verdict.correct == (verdict.share == 1)
    assert _response.validate_python(verdict.response) == verdict.response
    if name in ("short_text", "essay") and verdict.response is not None:
        assert verdict.response in {each.id for each in question.accepted}


@EVERY_KIND
def test_its_own_example_is_a_question_it_reads_back_from_what_it_stores(name: str) -> None:
    kind, question = example(name)
    assert read_question(kind, question.model_dump(mode="json")) == question


@EVERY_KIND
@given(seed=st.none() | st.text(max_size=20))
@settings(max_examples=40, deadline=None)
def test_what_a_learner_sees_does_not_change_with_the_key(name: str, seed: str | None) -> None:
    """Two questions that differ in nothing but their keys look the same, to the last byte."""
    kind = kind_of(name)
    turned = copy.deepcopy(dict(kind.example))
    turned["explanation"] = "another explanation"
    if name in ("single", "multiple"):
        for choice in turned["choices"]:
            choice["correct"] = not choice.get("correct", False)
            choice["feedback"] = "about this choice"
        if name == "single":
            for choice in turned["choices"]:
                choice["correct"] = choice["id"] == "mode"
    elif name == "numeric":
        turned |= {"value": -7.5, "tolerance": 2.0, "relative": True}
    elif name == "short_text":
        turned |= {"accepted": [{"text": "median"}], "case_matters": True}
    elif name == "matching":
        one, two = turned["pairs"]
        for side in ("right_id", "right"):
            one[side], two[side] = two[side], one[side]
    shown = [kind.show(read_question(kind, body), seed) for body in (kind.example, turned)]
    assert shown[0] == shown[1]


def verdict(name: str, body: dict[str, Any], answer: dict[str, Any]) -> Verdict:
    kind = kind_of(name)
    found = kind.grade(read_question(kind, {**kind.example, **body}), read_answer(kind, answer))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "body", "answer", "share", "correct", "response"),
    [
        ("single", {}, {"choice": "iqr"}, 1, True, "iqr"),
        ("single", {}, {"choice": "mode"}, 0, False, "mode"),
        ("single", {}, {"choice": "gone"}, 0, False, None),
        ("multiple", {}, {"choices": ["median", "mean"]}, 1, True, "mean,median"),
        ("multiple", {}, {"choices": ["mean"]}, 0.5, False, "mean"),
        ("multiple", {}, {"choices": ["mean", "range"]}, 0, False, "mean,range"),
        ("multiple", {}, {"choices": ["mean", "median", "range"]}, 0.5, False, "mean,median,range"),
        ("multiple", {}, {"choices": ["range"]}, 0, False, "range"),
        ("multiple", {}, {"choices": []}, 0, False, None),
        ("multiple", {"scoring": "all_or_nothing"}, {"choices": ["mean"]}, 0, False, "mean"),
        ("numeric", {}, {"value": 3.335}, 1, True, "3.335"),
        ("numeric", {}, {"value": 3.3351}, 0, False, "3.3351"),
        ("numeric", {"value": 0.3, "tolerance": 0.1}, {"value": 0.4}, 1, True, "0.4"),
        (
            "numeric",
            {"value": -200, "tolerance": 0.05, "relative": True},
            {"value": -210},
            1,
            True,
            "-210",
        ),
        (
            "numeric",
            {"value": -200, "tolerance": 0.05, "relative": True},
            {"value": -211},
            0,
            False,
            "-211",
        ),
        ("numeric", {"value": 5}, {"value": 5}, 1, True, "5"),
        ("short_text", {}, {"text": "  MODE \t"}, 1, True, "mode"),
        ("short_text", {}, {"text": "Modal\u00a0 value"}, 1, True, "modal"),
        ("short_text", {}, {"text": "\uff4d\uff4f\uff44\uff45"}, 1, True, "mode"),
        ("short_text", {}, {"text": "median"}, 0, False, None),
        ("short_text", {"case_matters": True}, {"text": "Mode"}, 0, False, None),
        ("short_text", {"accepted": [{"id": "a", "text": "café"}]}, {"text": "CAFE"}, 1, True, "a"),
        (
            "short_text",
            {"accepted": [{"id": "a", "text": "café"}], "accents_matter": True},
            {"text": "cafe"},
            0,
            False,
            None,
        ),
        (
            "short_text",
            {"accepted": [{"id": "a", "text": "x"}, {"id": "b", "text": "y", "share": 0.5}]},
            {"text": "Y"},
            0.5,
            False,
            "b",
        ),
        ("matching", {}, {"pairs": {"bar": "cat", "hist": "num"}}, 1, True, "bar:cat,hist:num"),
        ("matching", {}, {"pairs": {"bar": "cat", "hist": "two"}}, 0.5, False, "bar:cat,hist:two"),
        ("matching", {}, {"pairs": {"nobody": "cat"}}, 0, False, None),
        ("matching", {"scoring": "all_or_nothing"}, {"pairs": {"bar": "cat"}}, 0, False, "bar:cat"),
        ("essay", {}, {"text": " \n "}, 0, None, None),
    ],
)
def test_an_answer_is_worth(
    name: str, body: dict, answer: dict, share: float, correct: bool | None, response: str | None
) -> None:
    assert verdict(name, body, answer) == Verdict(share, correct, response)


def test_what_somebody_wrote_waits_for_a_person() -> None:
    kind, question = example("essay")
    assert kind.grade(question, read_answer(kind, {"text": "One outlier is enough."})) is None


def without(*names: str) -> Callable[[dict], dict]:
    return lambda body: {key: value for key, value in body.items() if key not in names}


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("single", {"choices": [{"text": "A"}, {"text": "B"}]}, "exactly one choice is correct"),
        ("single", {"choices": [{"text": "A", "correct": True}]}, "body.choices"),
        (
            "single",
            {"choices": [{"id": "a", "text": "A", "correct": True}, {"id": "a", "text": "B"}]},
            "same id",
        ),
        (
            "single",
            {"choices": [{"id": "Not An Id", "text": "A"}, {"text": "B"}]},
            "body.choices.0.id",
        ),
        ("single", {"prompt": " "}, "body.prompt"),
        ("single", {"promt": "x"}, "body.promt"),
        ("multiple", {"choices": [{"text": "A"}, {"text": "B"}]}, "at least one choice"),
        ("numeric", {"value": float("nan")}, "body.value"),
        ("numeric", {"tolerance": -1}, "body.tolerance"),
        ("numeric", {"value": "3"}, "body.value"),
        ("short_text", {"accepted": []}, "body.accepted"),
        ("short_text", {"accepted": [{"text": "A"}, {"text": " a"}]}, "the same once normalised"),
        ("short_text", {"accepted": [{"text": "A", "share": 0.5}]}, "share 1"),
        ("short_text", {"accepted": [{"text": "\u0301"}]}, "empty once normalised"),
        ("matching", {"distractors": [{"text": "Categories"}]}, "read the same"),
        ("matching", {"distractors": [{"id": "cat", "text": "C"}]}, "same id"),
        ("essay", {"rubric": [{"title": "A", "points": 0}]}, "body.rubric.0.points"),
    ],
)
def test_a_question_that_cannot_be_graded_is_refused_with_the_place(
    name: str, change: dict, words: str
) -> None:
    kind = kind_of(name)
    with pytest.raises(Rejected, match=words):
        read_question(kind, {**kind.example, **change})


def test_a_refused_answer_is_not_repeated() -> None:
    with pytest.raises(Rejected, match=r"answer\.value") as refused:
        read_answer(kind_of("numeric"), {"value": "my secret"})
    assert "secret" not in str(refused.value)


def test_an_unknown_kind_is_named_with_the_known_ones() -> None:
    with pytest.raises(Rejected, match=r"no kind of question 'guess'; known: essay, .*matching"):
        kind_of("guess")


def test_ids_given_by_us_do_not_follow_the_order_of_writing() -> None:
    kind = kind_of("single")
    choices = [{"text": str(n), "correct": n == 0} for n in range(20)]
    marks = [c.id for c in read_question(kind, {"prompt": "?", "choices": choices}).choices]
    assert len(set(marks)) == 20
    assert marks != sorted(marks)


def test_a_kind_is_one_file_that_nothing_else_names() -> None:
    names = [path.stem for path in POINT.folder.glob("[a-z]*.py")]
    assert sorted(names) == sorted(kinds())
    outside = [path for path in Path(POINT.folder.parent).glob("*.*") if path.is_file()]
    for path in outside:
        text = path.read_text()
        named = [name for name in names if f'"{name}"' in text or f"'{name}'" in text]
        assert named == [], f"{path.name} names a kind of question"
