"""Windows merged from tiles are what a count over the raw events says."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.tiles import Column
from features.windows import DAYS_KEPT, HOUR_US, Merged, Tiles

COLUMNS = {
    "events": Column(),
    "watched_s": Column(scale=1000),
    "first_at": Column("min", 1_000_000),
    "last_at": Column("max", 1_000_000),
}
NOW = datetime(2026, 11, 20, 10, 5, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

Event = tuple[int, int, int]
"""Moment (microseconds), milliseconds watched, part."""


def us(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def tiles(of: list[list[Event]]) -> Tiles:
    """The hour tiles of the events of each question, one per hour and part."""
    found: dict[tuple[int, int, int], list[int]] = {}
    for asked, events in enumerate(of):
        for at, watched, part in events:
            tile = found.setdefault((asked, at // HOUR_US, part), [0, 0, at, at])
            tile[0] += 1
            tile[1] += watched
            tile[2], tile[3] = min(tile[2], at), max(tile[3], at)
    keys = np.array(list(found), dtype=np.int64).reshape(-1, 3)
    values = np.array(list(found.values()), dtype=np.int64).reshape(-1, 4)
    return Tiles.of_hours(keys[:, 0], keys[:, 1], values)


def merged(events: list[Event], at: datetime) -> Merged:
    return Merged(COLUMNS, tiles([events]), np.array([us(at)]))


def inside(at: int, window: str, now: int) -> bool:
    """The rule as the docstring says it, of one event."""
    if window == "all":
        return True
    if window.endswith("h") or window == "1d":
        length, grain = (1 if window == "1h" else 24) * HOUR_US, HOUR_US
        begins = at // grain * grain
        return begins <= now and begins + grain > now - length
    length, grain = int(window[:-1]) * 24 * HOUR_US, 24 * HOUR_US
    begins = at // grain * grain
    return now - length < begins <= now


moments = st.integers(us(NOW - 40 * DAY), us(NOW + 2 * DAY))
events = st.lists(st.tuples(moments, st.integers(0, 9_999), st.integers(0, 2)), max_size=40)


@given(st.lists(events, min_size=1, max_size=4), st.integers(us(NOW - DAY), us(NOW + DAY)))
def test_a_window_is_the_sum_over_the_events_in_it(of: list[list[Event]], now: int) -> None:
    found = Merged(COLUMNS, tiles(of), np.full(len(of), now))
    for number, some in enumerate(of):
        for window in ("1h", "1d", "7d", "28d", "all"):
            at = [(moment, ms) for moment, ms, _ in some if inside(moment, window, now)]
            value = found.value(f"events_{window}")[number]
            if not some:
                assert math.isnan(value)
                continue
            assert value == len(at)
            assert found.value(f"watched_s_{window}")[number] == sum(ms for _, ms in at) / 1000
            last = found.value(f"last_at_{window}")[number]
            first = found.value(f"first_at_{window}")[number]
            if at:
                assert (first, last) == (min(at)[0] / 1e6, max(at)[0] / 1e6)
            else:
                assert math.isnan(first)
                assert math.isnan(last)


@given(events, st.integers(us(NOW - DAY), us(NOW + DAY)))
def test_active_days_and_streak_are_those_of_the_events(some: list[Event], now: int) -> None:
    if not some:
        return
    found = Merged(COLUMNS, tiles([some]), np.array([now]))
    today = now // (24 * HOUR_US)
    days = {at // (24 * HOUR_US) for at, _, _ in some}
    for window, length in (("7d", 7), ("28d", 28)):
        assert found.value(f"days_{window}")[0] == len(
            days & set(range(today - length + 1, today + 1))
        )
    day = today if today in days else today - 1
    streak = 0
    while day in days and streak < DAYS_KEPT - (today not in days):
        day, streak = day - 1, streak + 1
    assert found.value("streak_days")[0] == streak


@given(events, st.randoms(use_true_random=False))
def test_neither_order_nor_parts_matter(some: list[Event], random: Random) -> None:
    one_part = [(at, watched, 0) for at, watched, _ in some]
    shuffled = list(some)
    random.shuffle(shuffled)
    for name in ("events_1d", "watched_s_28d", "first_at_all", "streak_days"):
        expected = merged(one_part, NOW).value(name)
        np.testing.assert_array_equal(merged(shuffled, NOW).value(name), expected)


def test_a_silent_learners_windows_fall_as_time_passes_without_any_event() -> None:
    busy = [(us(NOW - hours * HOUR), 0, 0) for hours in range(12)]
    seen = [
        [
            float(merged(busy, NOW + later).value(name)[0])
            for name in ("events_1h", "events_1d", "events_7d", "events_28d", "events_all")
        ]
        for later in (0 * DAY, DAY, 7 * DAY, 28 * DAY)
    ]
    assert seen == [
        [2, 12, 12, 12, 12],
        [0, 1, 12, 12, 12],
        [0, 0, 0, 12, 12],
        [0, 0, 0, 0, 12],
    ]


def test_an_event_of_a_minute_ago_is_in_the_hour_whatever_the_clock_strikes() -> None:
    just_before = [(us(datetime(2026, 11, 20, 9, 59, 30, tzinfo=UTC)), 0, 0)]
    assert merged(just_before, datetime(2026, 11, 20, 10, 0, tzinfo=UTC)).value("events_1h") == [1]


def test_of_whom_nothing_is_known_nothing_is_said() -> None:
    found = Merged(COLUMNS, tiles([[], [(us(NOW), 5, 0)]]), np.array([us(NOW)] * 2))
    assert math.isnan(found.value("events_7d")[0])
    assert found.value("events_7d")[1] == 1
    with pytest.raises(KeyError):
        found.value("events_9d")
