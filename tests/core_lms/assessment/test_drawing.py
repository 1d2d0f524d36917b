"""Draws and orders look like chance, can be repeated, and ask nothing twice."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_lms.assessment.arranging import arranged, drawn
from core_lms.assessment.results import released
from core_lms.assessment.scoring import counted, passed, points_of, score_of
from core_lms.assessment.slots import draw
from core_lms.assessment.terms import terms

SEEDS = st.text("0123456789abcdef", min_size=1, max_size=32)
NAMES = st.lists(st.text(min_size=1, max_size=8), max_size=30, unique=True)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@given(items=NAMES, seed=SEEDS, data=st.data())
@settings(deadline=None)
def test_an_order_depends_on_the_seed_and_not_on_how_the_items_came(
    items: list[str], seed: str, data: st.DataObject
) -> None:
    order = arranged(items, seed)
    assert sorted(order) == sorted(items)
    assert arranged(data.draw(st.permutations(items)), seed) == order
    without = items[1:]
    assert arranged(without, seed) == [item for item in order if item in without]
    assert arranged(items, None) == items


def test_each_question_is_drawn_as_often_as_any_other() -> None:
    bank = [f"q{n}" for n in range(10)]
    often = Counter(item for seed in range(5000) for item in drawn(bank, 3, f"seed{seed}"))
    assert set(often) == set(bank)
    # 1,500 times each; a standard deviation is 32.
    assert all(abs(times - 1500) < 5 * 32 for times in often.values()), often


def slot(id_: str, draws: int | None) -> Any:
    return SimpleNamespace(id=id_, draws=draws)


def rows(slot_id: str, *ids: str) -> list[Any]:
    return [SimpleNamespace(slot_id=slot_id, id=id_, version=1, points=1) for id_ in ids]


@given(seed=SEEDS, wanted=st.lists(st.integers(1, 6), min_size=1, max_size=4))
@settings(deadline=None)
def test_nothing_is_asked_twice_and_what_is_missing_is_counted(
    seed: str, wanted: list[int]
) -> None:
    bank = [f"q{n}" for n in range(8)]
    slots = [slot(f"draw{n}", count) for n, count in enumerate(wanted)] + [slot("named", None)]
    askable = [row for each in slots[:-1] for row in rows(each.id, *bank)] + rows("named", "q0")
    found, missing = draw(slots, askable, seed)
    ids = [row.id for row in found]
    assert len(set(ids)) == len(ids)
    assert ids[-1] == "q0", "a named question is asked although every draw could have taken it"
    assert len(ids) + missing == sum(wanted) + 1
    assert missing == max(0, sum(wanted) - 7)
    assert draw(slots, list(reversed(askable)), seed) == (found, missing)


POINTS = st.decimals(0, 1000, places=2)


@given(shares=st.lists(st.tuples(st.floats(0, 1), POINTS.filter(bool)), min_size=1, max_size=20))
@settings(deadline=None)
def test_a_score_is_within_bounds_and_whole_answers_make_a_hundred(
    shares: list[tuple[float, Decimal]],
) -> None:
    reached = [(points_of(share, most), most) for share, most in shares]
    assert all(0 <= points <= most for points, most in reached)
    assert 0 <= score_of(reached) <= 100
    assert score_of([(most, most) for _, most in reached]) == 100
    assert score_of([(Decimal(0), most) for _, most in reached]) == 0
    assert score_of(reached, Decimal(100)) == 0


def test_scores_are_rounded_half_up_to_the_hundredth() -> None:
    third = points_of(1 / 3, Decimal("1"))
    assert third == Decimal("0.33")
    assert score_of([(Decimal("1"), Decimal("3"))]) == Decimal("33.33")
    assert score_of([(Decimal("1"), Decimal("8"))], Decimal(0)) == Decimal("12.50")
    assert score_of([(Decimal("8"), Decimal("10"))], Decimal(25)) == Decimal("60.00")


@pytest.mark.parametrize(("rule", "counts"), [("best", "90"), ("last", "40"), ("average", "63.33")])
def test_of_several_attempts_counts_what_the_rule_says(rule: Any, counts: str) -> None:
    scores = [Decimal(60), Decimal(90), Decimal(40)]
    assert counted(rule, scores) == Decimal(counts)


def test_passing_needs_the_score_and_only_where_something_has_to_be_passed() -> None:
    assert passed(Decimal("59.99"), Decimal(60)) is False
    assert passed(Decimal("60.00"), Decimal(60)) is True
    assert passed(Decimal(0), None) is None


def assessment(**rules: Any) -> Any:
    none = dict.fromkeys(("opens_at", "due_at", "closes_at", "max_attempts", "time_limit_s"))
    standard = {"grace_s": 5, "release": "at_once", "released_at": None}
    return SimpleNamespace(**none | standard | rules)


def granted(factor: float = 1, attempts: int = 0, extension_s: int = 0) -> Any:
    return SimpleNamespace(time_factor=factor, extra_attempts=attempts, extension_s=extension_s)


def test_of_several_grants_the_most_generous_counts_in_each_respect() -> None:
    hour = assessment(time_limit_s=3600, max_attempts=2, due_at=NOON, closes_at=NOON)
    eased = terms(hour, [granted(1.5, 0, 60), granted(1, 3, 0), granted(1.25, 1, 7200)])
    assert eased.time_limit == timedelta(minutes=90)
    assert eased.max_attempts == 5
    assert eased.due_at == eased.closes_at == NOON + timedelta(hours=2)


def test_an_attempt_ends_by_its_limit_or_with_the_assessment_whichever_comes_first() -> None:
    hour = terms(assessment(time_limit_s=3600, closes_at=NOON + timedelta(minutes=90)))
    assert hour.expires_at(NOON) == NOON + timedelta(hours=1)
    assert hour.expires_at(NOON + timedelta(hours=1)) == NOON + timedelta(minutes=90)
    assert terms(assessment()).expires_at(NOON) is None
    assert terms(assessment(due_at=NOON)).expires_at(NOON) is None


def test_late_is_after_the_due_date_and_nothing_is_late_without_one() -> None:
    due = terms(assessment(due_at=NOON))
    assert due.late(NOON) is False
    assert due.late(NOON + timedelta(microseconds=1)) is True
    assert terms(assessment()).late(NOON) is None


@pytest.mark.parametrize(
    ("rules", "out"),
    [
        ({}, True),
        ({"release": "manual"}, False),
        ({"release": "manual", "released_at": NOON}, True),
        ({"release": "after_due"}, False),
        ({"release": "after_due", "due_at": NOON - timedelta(hours=1)}, False),
        ({"release": "after_due", "due_at": NOON - timedelta(hours=3)}, True),
        ({"release": "after_due", "due_at": NOON, "released_at": NOON}, True),
    ],
)
def test_results_are_out_when_nobody_can_gain_by_them(rules: dict[str, Any], out: bool) -> None:
    """Somebody has an extension of two hours."""
    assert released(assessment(**rules), timedelta(hours=2), NOON) is out
