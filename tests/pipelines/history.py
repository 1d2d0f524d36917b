"""A seeded history of every kind of event, in every disorder: late, from the future, sent twice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.envelope import Envelope, wrap
from contracts.event import EVENTS, Event

NOON = datetime(2025, 3, 3, 12, 0, tzinfo=UTC)
DEVICES = ("phone", "tablet", "desktop", None)
KINDS = ("video", "page", "quiz", "forumng", "resource", "sharedsubpage", "dungeon")
_INTERACTIONS = (
    *("content.viewed",) * 6,
    *("content.completed", "content.downloaded", "video.played", "forum.posted"),
    *("video.watched",) * 3,
)


def made(type_: str, **fields: Any) -> Event:
    """The event of a type with these fields."""
    event: Any = EVENTS[type_]
    found: Event = event(**fields)
    return found


class History:
    """``count`` events of a few learners in a few courses; equal seeds give equal histories."""

    def __init__(self, seed: int, count: int = 600, learners: int = 5) -> None:
        self._random = random.Random(seed)
        self.institution_id = self._id()
        self.learners = [self._id() for _ in range(learners)]
        self.courses = [self._id() for _ in range(2)]
        self.items = {course: [self._id() for _ in range(4)] for course in self.courses}
        self.assessments = {course: [self._id() for _ in range(2)] for course in self.courses}
        self.questions = {
            a: [self._id() for _ in range(3)] for c in self.courses for a in self.assessments[c]
        }
        self._submissions: list[dict[str, str]] = []
        self._offers: list[dict[str, object]] = []
        self.events = [self._wrapped(self._event()) for _ in range(count)]

    def disordered(self, duplicates: float = 0.2) -> list[Envelope]:
        """All events in another order than they happened in, some of them twice."""
        chosen = self.events + [e for e in self.events if self._random.random() < duplicates]
        self._random.shuffle(chosen)
        return chosen

    def batches(self, events: list[Envelope]) -> Iterator[list[Envelope]]:
        """The events in batches of every size from one on."""
        start = 0
        while start < len(events):
            size = self._random.choice((1, 2, 7, 40, 150))
            yield events[start : start + size]
            start += size

    def _id(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def _moment(self) -> datetime:
        """Mostly close together, around midnight too; some a month or years off, some ahead."""
        chance = self._random
        days = chance.choice((0, 0, 0, 0, 1, 1, 2, -1, -31, -400, 900))
        at = NOON + timedelta(days=days, minutes=chance.randrange(0, 26 * 60))
        # Ties, whole gaps and fractions of a second are where rules differ by one.
        return at + timedelta(microseconds=chance.choice((0, 0, 0, 1, 500_000, 999_999)))

    def _wrapped(self, event: Event) -> Envelope:
        return wrap(
            event,
            institution_id=self.institution_id,
            source_service="test",
            timestamp=self._moment(),
            event_id=self._id(),
        )

    def _event(self) -> Event:
        chance = self._random
        course = chance.choice(self.courses)
        who = {"user_id": chance.choice(self.learners), "course_id": course}
        kind = chance.random()
        if kind < 0.62:
            return self._interaction(who)
        if kind < 0.72:
            return self._enrollment(who)
        return self._assessment(who) if kind < 0.88 else self._recommendation(who)

    def _interaction(self, who: dict[str, str]) -> Event:
        chance = self._random
        type_ = chance.choice(_INTERACTIONS)
        item = chance.choice(self.items[who["course_id"]])
        fields: dict[str, object] = {
            **who,
            "item_id": item,
            "kind": KINDS[int(item[:2], 16) % len(KINDS)],
            "device": chance.choice(DEVICES),
        }
        if type_ == "content.viewed":
            fields["clicks"] = chance.randrange(1, 5)
        elif type_ == "video.played":
            fields["position_s"] = 3.0
        elif type_ == "forum.posted":
            fields["post_id"] = self._id()
        elif type_ == "video.watched":
            start = chance.choice((0.0, 4.9, 5.0, 12.0, 43_190.0, 50_000.0))
            fields |= {"from_s": start, "to_s": start + chance.choice((0.0, 0.1, 5.0, 23.0))}
        return made(type_, **fields)

    def _enrollment(self, who: dict[str, str]) -> Event:
        chance = self._random
        type_ = chance.choice(
            (
                "enrollment.created",
                "enrollment.progressed",
                "enrollment.dropped",
                "course.completed",
            )
        )
        fields: dict[str, object] = {**who, "enrollment_id": self._id()}
        if type_ == "enrollment.progressed":
            fields["progress"] = float(chance.randrange(0, 101))
        elif type_ == "course.completed":
            fields |= {"completion_percentage": 100.0, "certification_issued": True}
        return made(type_, **fields)

    def _assessment(self, who: dict[str, str]) -> Event:
        chance = self._random
        work = chance.choice(self.assessments[who["course_id"]])
        if chance.random() < 0.15:
            return made(
                chance.choice(("assessment.created", "assessment.updated")),
                assessment_id=work,
                course_id=who["course_id"],
                kind="exam",
                weight=50.0,
                due_at=chance.choice((None, NOON, NOON + timedelta(hours=9))),
                pass_score=chance.choice((None, 40.0, 60.0)),
            )
        if not self._submissions or chance.random() < 0.3:
            self._submissions.append({**who, "submission_id": self._id(), "assessment_id": work})
            return made(
                "assessment.submitted",
                **self._submissions[-1],
                kind="exam",
                attempt=chance.choice((None, 1, 2)),
                late=chance.choice((None, True, False)),
            )
        handed = chance.choice(self._submissions)
        if chance.random() < 0.4:
            return made(
                "assessment.graded",
                **handed,
                kind="exam",
                score=chance.choice((0.0, 9.99, 10.0, 55.5, 100.0)),
                passed=chance.choice((None, True, False)),
                previous_score=chance.choice((None, None, 0.0, 33.333, 55.5)),
                previous_passed=chance.choice((None, True, False)),
            )
        return made(
            "assessment.question.graded",
            **handed,
            question_id=chance.choice(self.questions[handed["assessment_id"]]),
            kind="single",
            attempt=chance.choice((1, 1, 2)),
            max_points=2.0,
            response=chance.choice((None, "a", "a,b", "3.5")),
            points=chance.choice((0.0, 0.5, 2.0)),
            correct=chance.choice((None, True, False)),
            previous_points=chance.choice((None, None, 0.0, 1.25)),
            previous_correct=chance.choice((None, True, False)),
            seconds=chance.choice((None, 1.25, 60.0)),
        )

    def _recommendation(self, who: dict[str, str]) -> Event:
        chance = self._random
        if not self._offers or chance.random() < 0.5:
            self._offers.append(
                {
                    "recommendation_id": self._id(),
                    "user_id": who["user_id"],
                    "item_id": chance.choice(self.items[who["course_id"]]),
                    "position": chance.randrange(1, 4),
                }
            )
            return made(
                "recommendation.shown",
                **self._offers[-1],
                course_id=who["course_id"],
                source="course",
                model="m1",
                arm=chance.choice(("a", "b")),
                propensity=0.5,
            )
        return made(
            chance.choice(
                ("recommendation.clicked", "recommendation.dismissed", "recommendation.converted")
            ),
            **chance.choice(self._offers),
            **chance.choice(({}, {"source": "course", "model": "m1", "arm": "b"})),
        )
