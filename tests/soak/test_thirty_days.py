"""Bounded: a school of constant size for thirty days; what does not hold history levels off."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import pytest
from rich.console import Console
from rich.table import Table

from contracts.envelope import Envelope
from contracts.topics import CONTENT
from pipelines.verify.reconcile import verify
from stack.profile import Profile
from tests.soak import drained, readings
from tests.soak.lms import Lms
from tests.soak.plan import SoakSettings
from tests.soak.readings import Reading
from tests.soak.rounds import CHUNK, COMPONENTS
from tests.soak.school import School

DAY_S = 12.0
"""A day of the school takes at least so long: Flink forgets by the clock, not by the events'."""
STATE_TTL_DAYS = SoakSettings().days // 4
"""Seven of thirty: what forgets has begun to forget long before the middle."""
LEARNERS = 300

LEVEL = {
    "flink state": 0.5,
    "task heap": 48.0,
    "archive": 32.0,
    "derive": 32.0,
    "relay": 32.0,
    "features": 32.0,
    "redis": 4.0,
}
"""What must be level, and how many MB it may differ besides a fifth."""
CONSTANT = ("outbox", "archive_offsets", "redis keys", "question_stats", "assessment_stats")
"""Rows of which a school of constant size has a constant number, once nearly all were there."""


@pytest.fixture(scope="module", autouse=True)
def fast_motion() -> Iterator[None]:
    """The state's time to live is counted in the school's days."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LMS_FLINK_STATE_TTL_H", str(STATE_TTL_DAYS * DAY_S / 3600))
        patch.setenv("LMS_FLINK_CHECKPOINT_INTERVAL_S", "2")
        yield


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.usefixtures("fast_motion")
def test_state_and_memory_level_off_and_rows_grow_no_faster_than_days(
    running: Profile, settings: SoakSettings
) -> None:
    school, lms = School(settings.seed, learners=LEARNERS, courses=6, items=15), Lms()
    written = lms.found(school)
    read: list[Reading] = []
    for number in range(settings.days):
        began, cpu_s = time.monotonic(), readings.cpu_s()
        events = school.day(number)
        for start in range(0, len(events), CHUNK):
            lms.write(events[start : start + CHUNK])
        written += events
        through(school, written)
        spent_s = readings.cpu_s() - cpu_s
        day = {"cpu µs per event": spent_s / len(events) * 1e6}
        day |= readings.state_mb() | readings.memory_mb() | readings.rows()
        read.append(day)
        took_s = time.monotonic() - began
        sys.stdout.write(
            f"day {number + 1}: {len(events):,} events, {took_s:.1f} s, "
            f"state {day['flink state']:.1f} MB, heap {day['task heap']:.0f} MB\n"
        )
        sys.stdout.flush()
        time.sleep(max(0.0, DAY_S - took_s))
    show(read)
    lms.describe(school)
    report = verify(wait_s=120, institution=school.institution_id)
    assert report.equal, report.trouble or report.difference
    assert not readings.keys_without_end()
    assert not (grown := growing(read)), "; ".join(grown)


def through(school: School, written: list[Envelope]) -> None:
    content = sum(event.topic == CONTENT.name for event in written)
    waiting = drained.wait(school.institution_id, len(written), content, 180, COMPONENTS)
    assert not waiting, waiting


def growing(read: list[Reading]) -> list[str]:
    """What is larger at the end than in the middle although it should be level, one sentence each;
    and rows that come faster in the second half than in the first.
    """
    middle, end = at(read, len(read) // 2), at(read, len(read))
    found = [
        f"{name}: {middle[name]:.1f} MB in the middle, {end[name]:.1f} MB at the end"
        for name, spare in LEVEL.items()
        if name in middle and end[name] > middle[name] * 1.2 + spare
    ]
    found += [
        f"{name}: {middle[name]:.0f} in the middle, {end[name]:.0f} at the end"
        for name in CONSTANT
        if end[name] > middle[name] * 1.05
    ]
    half, whole = read[len(read) // 2 - 1], read[-1]
    return found + [
        f"{name}: {half[name]:.0f} rows in the first half, {whole[name]:.0f} in all"
        for name in whole
        if name not in LEVEL and whole[name] > half[name] * len(read) / (len(read) // 2) * 1.2 + 50
    ]


def at(read: list[Reading], day: int) -> Reading:
    """The least of three days up to ``day``: what a collection or a checkpoint left."""
    last = read[max(0, day - 3) : day]
    return {name: min(one[name] for one in last) for name in last[-1]}


def show(read: list[Reading]) -> None:
    days = sorted({1, *(n * len(read) // 6 for n in range(1, 7))} - {0})
    table = Table("", *(f"day {day}" for day in days), box=None)
    for name in read[-1]:
        table.add_row(name, *(f"{read[day - 1].get(name, 0):,.1f}" for day in days))
    Console(width=120).print(table)


def test_what_grows_is_named_and_what_is_level_is_not() -> None:
    level = [{**dict.fromkeys(LEVEL, 100.0), **dict.fromkeys(CONSTANT, 5.0)} for _ in range(10)]
    assert growing(level) == []
    for name in LEVEL:
        steep = [day | {name: 100.0 * (n + 1)} for n, day in enumerate(level)]
        assert [sentence.split(":")[0] for sentence in growing(steep)] == [name]
    more = [day | {"outbox": float(n)} for n, day in enumerate(level)]
    assert [sentence.split(":")[0] for sentence in growing(more)] == ["outbox"]
    rows = [day | {"sessions": 100.0 * n * n} for n, day in enumerate(level)]
    assert [sentence.split(":")[0] for sentence in growing(rows)] == ["sessions"]
