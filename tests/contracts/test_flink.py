"""What Flink knows of a topic follows from the event classes."""

from __future__ import annotations

import itertools
import re
from datetime import datetime

import pytest

from contracts import canonical, flink
from contracts.event import EARLIEST, EVENTS, LATEST, UUID_PATTERN, Event
from contracts.fixtures import example_envelope
from contracts.rules import TIMESTAMP, fields
from contracts.topics import CONTENT, EVENT_TOPICS, Topic

EVERY_TOPIC = pytest.mark.parametrize("topic", EVENT_TOPICS, ids=lambda topic: topic.name)


@EVERY_TOPIC
def test_every_field_of_every_event_is_a_column_of_the_view(topic: Topic) -> None:
    view = flink.view(topic)
    source = flink.source(topic, {})
    for event in flink.events_of(topic):
        for field in event.model_fields:
            assert f"`{field}` STRING" in source
            assert f" AS `{flink.column_name(field)}`" in view
        assert event.TYPE.replace(".", "[.]") in flink.pattern(topic)


@EVERY_TOPIC
def test_the_table_reads_committed_messages_only_and_survives_what_is_no_json(topic: Topic) -> None:
    source = flink.source(topic, {"properties.bootstrap.servers": "it's:9092"})
    assert "'properties.isolation.level' = 'read_committed'" in source
    assert "'json.ignore-parse-errors' = 'true'" in source
    assert "'it''s:9092'" in source


@pytest.mark.parametrize("type_", [t for t, e in EVENTS.items() if e.TOPIC is CONTENT])
def test_an_example_of_every_content_event_fits_the_pattern(type_: str) -> None:
    assert re.search(flink.pattern(CONTENT), _texts(type_))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("content.viewed", "content.eaten"),
        ("2026-02-17", "2026-02-30"),
        ("2026-02-17", "2026-2-17"),
        ("|1|", "|2|"),
        ("|1|", "|1.0|"),
        ("-", ""),
    ],
)
def test_a_wrong_field_does_not_fit_the_pattern(old: str, new: str) -> None:
    text = _texts("content.viewed")
    assert old in text
    assert not re.search(flink.pattern(CONTENT), text.replace(old, new))


@pytest.mark.parametrize(
    ("day", "is_one"),
    [
        ("2016-02-29", True),
        ("2000-02-29", True),
        ("1900-02-29", False),
        ("2015-02-29", False),
        ("2015-04-31", False),
        ("2015-12-31", True),
        ("2015-13-01", False),
        ("0000-01-01", False),
        ("0001-01-01", False),
        ("1969-12-31", False),
        ("1970-01-01", True),
        ("1972-02-29", True),
        ("2100-02-29", False),
        ("2196-02-29", True),
        ("2199-12-31", True),
        ("2200-01-01", False),
    ],
)
def test_a_day_fits_the_pattern_where_the_calendar_has_it(day: str, is_one: bool) -> None:
    text = _texts("content.viewed").replace("2026-02-17", day)
    assert bool(re.search(flink.pattern(CONTENT), text)) is is_one


def test_every_day_of_the_years_that_events_may_name_fits_and_no_other() -> None:
    fits = re.compile(TIMESTAMP).fullmatch
    for year in (*range(1965, 1975), 2000, 2024, 2100, *range(2194, 2206)):
        for month, day in itertools.product(range(1, 13), range(1, 32)):
            text = f"{year}-{month:02}-{day:02}T00:00:00Z"
            try:
                is_one = EARLIEST <= datetime.fromisoformat(text) < LATEST
            except ValueError:
                is_one = False
            assert bool(fits(text)) is is_one, text


def test_a_number_without_bounds_is_refused_where_its_rule_is_rendered() -> None:
    topic = Topic("lms.hearts.events", "A topic of this test")

    class Measured(Event, type="heart.measured", topic=topic, key="beats"):
        beats: int

    try:
        with pytest.raises(TypeError, match=r"heart\.measured\.beats needs a lower and an upper"):
            flink.view(topic)
        assert canonical.pattern(topic.name, "heart.measured") is None
    finally:
        del EVENTS["heart.measured"]


def test_a_rule_says_what_the_class_says() -> None:
    rules = fields(EVENTS["recommendation.shown"])
    assert (rules["propensity"].low, rules["propensity"].high) == (0, 1)
    assert rules["propensity"].exclusive
    assert rules["source"].choices == ("personal", "course", "semantic", "popular")
    assert rules["user_id"].pattern == UUID_PATTERN.strip("^$")
    assert fields(EVENTS["assessment.submitted"])["late"].nullable
    assert not fields(EVENTS["assessment.submitted"])["late"].required


def _texts(type_: str) -> str:
    """The fields of an example as the view joins them."""
    envelope = example_envelope(type_)
    document = envelope.model_dump(mode="json")
    payload = document["payload"]
    columns = re.findall(r"`(\w+)`", flink._checked(EVENTS[type_].TOPIC).replace("`payload`.", ""))
    return "|".join(str({**document, **payload}.get(name) or "") for name in columns)
