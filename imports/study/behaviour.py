"""How an invented learner studies: a seeded model that turns a person and courses into actions."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from imports.catalogue.definition import Course, Item, Person

PACE = (0.05, 0.3)
"""Minutes spent per minute of an item's declared length: invented learners skim."""

PASS_RATE = 0.85
REGRADED = 0.15
"""So many grades are corrected at once."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something a learner does ``at_s`` seconds into the hour.

    ``what`` is ``enroll`` (subject: course slug), ``submit`` and ``grade`` (assessment slug),
    ``drop`` (course slug), or the type of a content event (item slug).
    """

    at_s: float
    what: str
    subject: str
    course: str
    details: dict[str, Any]


class Clock:
    """The learner's own time; ``spend`` moves it on and says whether the hour is over."""

    def __init__(self, start_s: float, end_s: float) -> None:
        self.now_s = start_s
        self.end_s = end_s

    def spend(self, seconds: float) -> bool:
        self.now_s += seconds
        return self.now_s < self.end_s


def study(person: Person, courses: Sequence[Course], minutes: int, seed: str) -> list[Action]:
    """What ``person`` does in ``minutes``, in order of time; the same seed gives the same hour.

    A person opens courses of their interests first, works through items in order (skipping some),
    stops to write in forums, hands in quizzes, and sometimes gives a course up.
    """
    dice = random.Random(f"{seed}/{person.slug}")
    clock = Clock(dice.uniform(0.0, 0.35) * minutes * 60, minutes * 60.0)
    diligence = dice.betavariate(4, 2)
    actions: list[Action] = []
    for course in _chosen(dice, person, courses):
        for action in _attend(dice, clock, course, diligence):
            actions.append(action)
        if not clock.spend(dice.uniform(20, 240)):
            break
    return actions


def _chosen(dice: random.Random, person: Person, courses: Sequence[Course]) -> list[Course]:
    """The courses in the order this person opens them."""
    keen = {subject: place for place, subject in enumerate(person.interests)}
    liked = [course for course in courses if course.subject in keen]
    liked.sort(key=lambda course: (keen[course.subject], len(course.prerequisites), dice.random()))
    others = [course for course in courses if course.subject not in keen]
    return [*liked, *dice.sample(others, min(2, len(others)))]


def _attend(
    dice: random.Random, clock: Clock, course: Course, diligence: float
) -> Iterator[Action]:
    def act(what: str, subject: str, **details: Any) -> Action:
        return Action(round(clock.now_s, 3), what, subject, course.slug, details)

    yield act("enroll", course.slug)
    for item in course.items:
        if not clock.spend(dice.uniform(3, 20)):
            return
        if dice.random() > diligence + (0.3 if item.required else 0.0):
            continue  # skipped
        yield act("content.viewed", item.slug, clicks=1 + int(dice.expovariate(0.8)))
        for what, seconds, details in _use(dice, item, diligence):
            if not clock.spend(seconds):
                return
            yield act(what, item.slug, **details)
    for assessment in course.assessments:
        if not clock.spend(dice.uniform(60, 300)):
            return
        if dice.random() < diligence + 0.3:
            yield act("submit", assessment.slug)
            strength = 6 if dice.random() < PASS_RATE else 2
            score = round(100 * dice.betavariate(strength, 2), 1)
            yield act("grade", assessment.slug, score=score)
            if dice.random() < REGRADED and clock.spend(1):
                yield act("grade", assessment.slug, score=min(100.0, round(score + 7.5, 1)))
    if dice.random() < 0.08:
        yield act("drop", course.slug)


def _use(
    dice: random.Random, item: Item, diligence: float
) -> Iterator[tuple[str, float, dict[str, Any]]]:
    """What is done with an opened item: (event type, seconds until it, details)."""
    length_s = item.minutes * 60.0
    spent_s = length_s * dice.uniform(*PACE)
    finished = dice.random() < 0.55 + 0.4 * diligence
    if item.kind == "video":
        yield from _watch(dice, length_s, spent_s, finished)
    elif item.kind == "document" and dice.random() < 0.6:
        yield "content.downloaded", 3.0, {}
    elif item.kind == "forum" and dice.random() < 0.5:
        yield "forum.posted", spent_s / 2, {"text": "(a post of the study simulation)"}
        spent_s /= 2
    if finished:
        rest_s = 2.0 if item.kind == "video" else spent_s
        yield "content.completed", rest_s, {}


def _watch(
    dice: random.Random, length_s: float, spent_s: float, finished: bool
) -> Iterator[tuple[str, float, dict[str, Any]]]:
    """Play, perhaps pause or jump, and stop at the end or earlier."""
    stop_s = length_s if finished else length_s * dice.uniform(0.1, 0.8)
    pause_s = round(stop_s * dice.uniform(0.3, 0.7), 1)
    yield "video.played", 2.0, {"position_s": 0.0}
    yield "video.paused", spent_s / 2, {"position_s": pause_s}
    yield "video.watched", 0.0, {"from_s": 0.0, "to_s": pause_s}
    resume_s = pause_s
    if dice.random() < 0.35:
        resume_s = round(max(0.0, pause_s + dice.uniform(-60, 90)), 1)
        resume_s = min(resume_s, stop_s)
        yield "video.seeked", 2.0, {"from_s": pause_s, "to_s": resume_s}
    yield "video.played", dice.uniform(3, 30), {"position_s": resume_s}
    end_s = round(stop_s, 1)
    yield "video.paused", spent_s / 2, {"position_s": end_s}
    if end_s > resume_s:
        yield "video.watched", 0.0, {"from_s": resume_s, "to_s": end_s}
