"""The rules of an answer, for any learner and any catalogue."""

from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.recommender.candidates import gather
from features.recommender.tables import ItemTables
from serving import candidates
from serving.catalogue import Catalogue, Course, Item
from serving.model import Ranked
from serving.policy import SHARES, CandidateSource, Offer, choose
from serving.popularity import Popularity
from serving.recommend import CHAIN, allowed
from serving.semantic import SemanticIndex
from serving.signals import Signals

ITEMS = [f"item-{number}" for number in range(12)]


def catalogue(courses: dict[str, list[str]], text: bool = True) -> Catalogue:
    return Catalogue(
        Course(
            course_id,
            f"Course {course_id}",
            tuple(
                Item(
                    item_id,
                    course_id,
                    f"Course {course_id}",
                    "page",
                    f"Title of {item_id}",
                    f"About {item_id}." if text else "",
                    position,
                )
                for position, item_id in enumerate(items)
            ),
        )
        for course_id, items in courses.items()
    )


def all_sources(signals: Signals, known: Catalogue) -> list[CandidateSource]:
    """Every source that needs neither model nor index: what remains in the worst case."""
    return [
        candidates.course(signals, known),
        asyncio.run(candidates.semantic(signals, known, SemanticIndex())),
        candidates.popular(signals, known, Popularity()),
    ]


BUSY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine may be slow within one example: these tests are about the answer."""
some_items = st.sets(st.sampled_from(ITEMS))
published = st.lists(some_items, max_size=3).map(
    lambda courses: {
        str(number): sorted(items - set().union(*courses[:number]))
        for number, items in enumerate(courses)
    }
)


@BUSY
@given(
    published,
    some_items,
    some_items,
    st.lists(st.sampled_from(ITEMS), unique=True),
    st.sets(st.sampled_from("012")),
    st.integers(1, 15),
)
def test_an_answer_is_never_empty_while_something_is_left_and_never_holds_what_is_not(
    courses: dict[str, list[str]],
    finished: set[str],
    dismissed: set[str],
    recent: list[str],
    enrolled: set[str],
    limit: int,
) -> None:
    known = catalogue(courses)
    signals = Signals(
        "learner",
        finished=frozenset(finished),
        enrolled=tuple(sorted(enrolled)),
        recent=tuple(recent),
        dismissed=frozenset(dismissed),
    )
    chosen = choose(all_sources(signals, known), allowed(signals, known, None), limit)
    shown = [offer.item_id for offer in chosen]
    left = {item for items in courses.values() for item in items} - finished - dismissed
    assert len(shown) == min(limit, len(left))
    assert set(shown) <= left
    assert len(set(shown)) == len(shown)


offers = st.lists(st.sampled_from(ITEMS), unique=True)


@BUSY
@given(st.tuples(offers, offers, offers), some_items, st.integers(1, 15))
def test_with_every_source_the_answer_stays_full_and_clean(
    stocks: tuple[list[str], list[str], list[str]], gone: set[str], limit: int
) -> None:
    stocked = [
        CandidateSource(source, [Offer(item, source, "because", 1.0) for item in stock])
        for source, stock in zip(CHAIN, (*stocks, ITEMS), strict=True)
    ]
    chosen = choose(stocked, lambda item: item not in gone, limit)
    shown = [offer.item_id for offer in chosen]
    assert len(shown) == min(limit, len(ITEMS) - len(gone & set(ITEMS)))
    assert not gone & set(shown)
    assert len(set(shown)) == len(shown)


def test_each_source_gets_its_share_and_the_chain_fills_the_rest() -> None:
    stocked = [
        CandidateSource(source, [Offer(f"{source}-{n}", source, "because", 1.0) for n in range(10)])
        for source in CHAIN
    ]
    sources = [offer.source for offer in choose(stocked, lambda _: True, 10)]
    for source in ("personal", "course", "semantic"):
        assert sources.count(source) == math.ceil(SHARES[source] * 10)
    only_popular = choose(stocked[-1:], lambda _: True, 10)
    assert [offer.source for offer in only_popular] == ["popular"] * 10
    without_course = choose([stocked[0], *stocked[2:]], lambda _: True, 10)
    assert [o.source for o in without_course].count("personal") == 4 + 3  # its share, and the rest


KNOWN = catalogue({"x": ["a", "b", "c", "d"], "y": ["e", "f"]})


def course_offers(**known: object) -> list[tuple[str, str]]:
    signals = Signals("learner", **known)  # type: ignore[arg-type]
    return [(o.item_id, o.reason) for o in candidates.course(signals, KNOWN).offers]


def test_the_course_goes_on_after_the_newest_item_and_says_so() -> None:
    offered = course_offers(enrolled=("x",), recent=("b",), finished=frozenset({"b"}))
    assert offered == [
        ("c", "Next in «Course x»"),
        ("d", "Coming up in «Course x»"),
        ("a", "Left behind in «Course x»"),
    ]


def test_a_course_nobody_began_begins_at_its_beginning() -> None:
    assert course_offers(enrolled=("y",)) == [
        ("e", "The beginning of «Course y», where you are enrolled"),
        ("f", "Coming up in «Course y»"),
    ]


def test_what_was_opened_but_not_finished_says_so() -> None:
    offered = dict(course_offers(enrolled=("y",), recent=("f",)))
    assert offered["f"] == "You opened this in «Course y» and have not finished it"


def test_the_course_studied_last_comes_first_and_no_course_is_forgotten() -> None:
    offered = [item for item, _ in course_offers(enrolled=("x", "y"), recent=("e",))]
    assert offered == ["f", "e", "a", "b", "c", "d"]


def test_courses_one_is_not_in_are_not_continued() -> None:
    assert course_offers(enrolled=("gone",), recent=("a",)) == []


def test_a_personal_offer_names_the_recent_item_that_leads_to_it() -> None:
    tables = ItemTables(
        item_ids=["a", "b", "c"],
        course_ids=["x"],
        course_of=np.zeros(3, dtype=np.int32),
        starts=np.array([0, 1, 1, 1], dtype=np.int32),
        followers=np.array([1], dtype=np.int32),
        weights=np.array([0.5], dtype=np.float32),
        views=np.zeros(3, dtype=np.float32),
        popular=np.array([2], dtype=np.int32),
        popular_in=np.full((1, 1), -1, dtype=np.int32),
    )

    class Tables:
        """Of a model, personal offers need the tables only."""

        def __init__(self) -> None:
            self.tables = tables

    found = gather(tables, recent=[0], exclude=[])
    ranked = Ranked(found, np.array([0.2, 0.9], dtype=np.float32))
    personal = candidates.personal(Tables(), ranked, KNOWN)  # type: ignore[arg-type]
    assert list(personal.offers) == [
        Offer("b", "personal", "Because you studied «Title of a»", pytest.approx(0.2))
    ]


def test_popularity_prefers_own_courses_then_views_then_beginnings() -> None:
    popularity = Popularity()
    popularity.views = {"b": 7, "f": 1}
    signals = Signals("learner", enrolled=("y",), recent=("e",))
    offered = [(o.item_id, o.reason) for o in candidates.popular(signals, KNOWN, popularity).offers]
    assert [item for item, _ in offered] == ["f", "b", "a", "c", "d", "e"]
    assert offered[0][1] == "Opened once by learners of «Course y»"
    assert offered[1][1] == "Opened 7 times by learners of «Course x»"
    assert offered[2][1] == "Part of «Course x», not finished yet"
