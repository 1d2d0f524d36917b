"""A school of constant size, day by day: what its learners do, as events."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.envelope import Envelope, wrap
from contracts.event import EVENTS
from contracts.ids import named_id, new_id

FIRST_DAY = datetime(2025, 3, 3, tzinfo=UTC)
KINDS = ("video", "page", "quiz", "forum")
_DEEDS = (
    *("content.viewed",) * 8,
    *("video.watched",) * 4,
    *("content.completed",) * 2,
    *("content.downloaded", "video.played"),
    *("work", "offer"),
)
_LATE = (
    *(timedelta(minutes=1), timedelta(hours=3), timedelta(days=1)),
    *(timedelta(days=30), timedelta(days=365), timedelta(days=-2)),
)
"""By how much a late event is late; the last is ahead of its time."""


class School:
    """Learners who study on most days, once or twice. Equal seeds give equal schools, but for the
    institution, by which all ids differ.
    """

    def __init__(self, seed: int, learners: int = 60, courses: int = 3, items: int = 12) -> None:
        self._chance = random.Random(seed)
        self._number = 0
        self.institution_id = new_id()
        self.teacher = self._id("user", "teacher")
        self.courses = [self._id("course", n) for n in range(courses)]
        self.items = {c: [self._id("item", c, n) for n in range(items)] for c in self.courses}
        self.work = {c: [self._id("work", c, n) for n in range(3)] for c in self.courses}
        self.learners = {
            self._id("user", n): self._chance.sample(self.courses, min(2, courses))
            for n in range(learners)
        }

        self._staying = {(who, course) for who in self.learners for course in self.learners[who]}

    def founded(self) -> list[Envelope]:
        """Accounts, courses, items, work and enrollments: before the first day."""
        at = FIRST_DAY - timedelta(days=1)
        found = [self._account(self.teacher, "instructor", at)]
        for course in self.courses:
            found.append(
                self._event(
                    "course.created", at, {"course_id": course, "instructor_id": self.teacher}
                )
            )
            found += [
                self._event(
                    "assessment.created",
                    at,
                    {
                        "assessment_id": work,
                        "course_id": course,
                        "kind": "exam",
                        "weight": 30.0,
                        "due_at": FIRST_DAY + timedelta(days=10 * n),
                        "pass_score": 50.0,
                    },
                )
                for n, work in enumerate(self.work[course])
            ]
        for learner, courses in self.learners.items():
            found.append(self._account(learner, "student", at))
            for course in courses:
                found.append(self._event("enrollment.created", at, self._who(learner, course)))
        return found

    def day(self, number: int, late: float = 0.0) -> list[Envelope]:
        """What happens on day ``number`` in the order in which the LMS hears of it.

        ``late`` is the share of events that belong to another time than the one they come at.
        """
        chance, midnight = self._chance, FIRST_DAY + timedelta(days=number)
        found: list[tuple[datetime, Envelope]] = []
        for learner, courses in self.learners.items():
            if chance.random() < 0.3:
                continue
            for _ in range(chance.choice((1, 1, 2))):
                at = midnight + timedelta(minutes=chance.randrange(5 * 60, 24 * 60 + 20))
                course = chance.choice(courses)
                for _ in range(chance.randrange(4, 16)):
                    stamped = at - chance.choice(_LATE) if chance.random() < late else at
                    found += [(at, event) for event in self._study(learner, course, stamped)]
                    # Ties, whole gaps and fractions of a second are where rules differ by one.
                    at += timedelta(
                        minutes=chance.choice((0, 0.3, 1, 4, 29, 30, 31)),
                        microseconds=chance.choice((0, 0, 1, 999_999)),
                    )
        return [event for _, event in sorted(found, key=lambda pair: pair[0])]

    def _study(self, learner: str, course: str, at: datetime) -> Iterator[Envelope]:
        type_ = self._chance.choice(_DEEDS)
        if self._chance.random() < 0.002 and (learner, course) in self._staying:
            self._staying.remove((learner, course))
            yield self._end(learner, course, at)
        if type_ == "work":
            yield from self._hand_in(learner, course, at)
        elif type_ == "offer":
            yield from self._offer(learner, course, at)
        else:
            yield self._content(type_, learner, course, at)

    def _content(self, type_: str, learner: str, course: str, at: datetime) -> Envelope:
        chance, number = self._chance, self._chance.randrange(len(self.items[course]))
        payload: dict[str, Any] = {
            "user_id": learner,
            "course_id": course,
            "item_id": self.items[course][number],
            "kind": KINDS[number % len(KINDS)],
            "device": chance.choice(("phone", "tablet", "desktop", None)),
        }
        if type_ == "content.viewed":
            payload["clicks"] = chance.randrange(1, 5)
        elif type_ == "video.played":
            payload["position_s"] = 3.0
        elif type_ == "video.watched":
            start = chance.choice((0.0, 4.9, 5.0, 60.0, 300.0))
            payload |= {"from_s": start, "to_s": start + chance.choice((0.1, 5.0, 40.0))}
        return self._event(type_, at, payload)

    def _hand_in(self, learner: str, course: str, at: datetime) -> Iterator[Envelope]:
        chance, work = self._chance, self._chance.choice(self.work[course])
        handed = {
            "submission_id": self._next("submission"),
            "assessment_id": work,
            "user_id": learner,
            "course_id": course,
        }
        own = {"attempt": 1, "late": chance.random() < 0.1}
        yield self._event("assessment.submitted", at, handed | own | {"kind": "exam"})
        for number in range(3):
            yield self._event(
                "assessment.question.graded",
                at,
                handed
                | {
                    "question_id": self._id("question", work, number),
                    "kind": "single",
                    "attempt": 1,
                    "response": chance.choice(("a", "b", "a,b")),
                    "points": chance.choice((0.0, 0.5, 2.0)),
                    "max_points": 2.0,
                    "correct": chance.random() < 0.6,
                    "seconds": 12.5,
                },
            )
        score = chance.choice((0.0, 9.99, 50.0, 77.5, 100.0))
        payload = handed | {"kind": "exam", "score": score, "passed": score >= 50}
        yield self._event("assessment.graded", at + timedelta(seconds=1), payload)

    def _offer(self, learner: str, course: str, at: datetime) -> Iterator[Envelope]:
        chance = self._chance
        offer = {
            "recommendation_id": self._next("recommendation"),
            "user_id": learner,
            "item_id": chance.choice(self.items[course]),
            "position": chance.randrange(1, 4),
        }
        shown = {
            "course_id": course,
            "source": "course",
            "model": "m1",
            "arm": chance.choice(("a", "b")),
            "propensity": 0.5,
        }
        yield self._event("recommendation.shown", at, offer | shown)
        what = chance.choice(("clicked", "dismissed", "converted", None))
        if what:
            yield self._event(f"recommendation.{what}", at + timedelta(seconds=20), offer)

    def _account(self, user: str, role: str, at: datetime) -> Envelope:
        payload = {"user_id": user, "role": role, "status": "active"}
        return self._event("user.created", at, payload)

    def _end(self, learner: str, course: str, at: datetime) -> Envelope:
        """Whoever dropped or completed a course may come back to its items, as people do."""
        who = self._who(learner, course)
        if self._chance.random() < 0.5:
            return self._event("enrollment.dropped", at, who)
        done = {"completion_percentage": 100.0, "certification_issued": False}
        return self._event("course.completed", at, who | done)

    def _who(self, learner: str, course: str) -> dict[str, Any]:
        enrollment = self._id("enrollment", learner, course)
        return {"enrollment_id": enrollment, "user_id": learner, "course_id": course}

    def _event(self, type_: str, at: datetime, payload: dict[str, Any]) -> Envelope:
        return wrap(
            EVENTS[type_](**payload),
            institution_id=self.institution_id,
            source_service="school",
            timestamp=at,
            event_id=self._next("event"),
        )

    def _id(self, *parts: object) -> str:
        return named_id(self.institution_id, *parts)

    def _next(self, what: str) -> str:
        self._number += 1
        return self._id(what, self._number)
