"""A short quiz in each course of the catalogue, and how invented learners answer it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator

from contracts.ids import named_id
from imports.catalogue.definition import Course, Person
from imports.catalogue.load import Rows
from imports.driving import Request

QUESTIONS = (
    ("What helps most to remember a text?", ("recall", "reread", "underline")),
    ("When is it best to repeat what was learnt?", ("spaced", "at once", "never")),
    ("Who learns most from an explanation?", ("the one who explains", "who listens", "nobody")),
)
"""Of the choices, the first is right."""
SHARE = 0.4
"""Of the learners, so many take the quiz of a course they are in."""


def setting_up(rows: Rows, course: Course) -> Iterator[Request]:
    """Requests that make the quiz of a course; again they change nothing."""
    course_id, quiz = rows.id_of("course", course.slug), rows.id_of("quiz", course.slug)
    bank = rows.id_of("bank", course.slug)

    def made(path: str, key: str, **body: object) -> Request:
        return Request(course_id, "quiz", path, json.dumps(body), key)

    title = "How to learn"
    about = {"kind": "quiz", "title": title, "required": False, "pass_score": 60}
    yield made(f"/courses/{course_id}/assessments", quiz, **about)
    yield made(f"/courses/{course_id}/banks", bank, title=title)
    for number, (prompt, choices) in enumerate(QUESTIONS):
        question = rows.id_of("question", course.slug, number)
        listed: list[dict[str, object]] = [
            {"id": f"c{place}", "text": text, "correct": place == 0}
            for place, text in enumerate(choices)
        ]
        body = {"prompt": prompt, "choices": listed}
        yield made(f"/banks/{bank}/questions", question, kind="single", points=2, body=body)
        part = rows.id_of("part", course.slug, number)
        path = f"/assessments/{quiz}/parts"
        yield made(path, part, question_id=question, position=number)


def taking(
    rows: Rows, person: Person, courses: Iterable[str], run_id: str, seed: str
) -> Iterator[Request]:
    """The answers of a person in some of the courses (slugs) they are in."""
    dice = random.Random(f"{seed}/quiz/{person.slug}")
    user = rows.id_of("user", person.slug)
    for slug in courses:
        if dice.random() > SHARE:
            continue
        quiz, attempt = rows.id_of("quiz", slug), named_id(run_id, "attempt", person.slug, slug)
        begin = json.dumps({"user_id": user})
        yield Request(user, "attempt", f"/assessments/{quiz}/attempts", begin, attempt)
        for number, (_, choices) in enumerate(QUESTIONS):
            right = dice.random() < 0.65
            answer = {
                "question_id": rows.id_of("question", slug, number),
                "answer": {"choice": f"c{0 if right else dice.randrange(1, len(choices))}"},
                "revision": 1,
                "seconds": round(dice.uniform(4, 60), 1),
            }
            yield Request(user, "answer", f"/attempts/{attempt}/answers", json.dumps(answer))
        yield Request(user, "hand in", f"/attempts/{attempt}/submit", "{}")


def correcting(answers: Iterable[Request]) -> Iterator[Request]:
    """A teacher gives other points for a person's first answer: it is graded again."""
    for answer in answers:
        if answer.what == "answer":
            attempt = answer.path.split("/")[2]
            question = json.loads(answer.body)["question_id"]
            path = f"/submissions/{attempt}/questions/{question}/grade"
            points = json.dumps({"points": 1.5, "why": "half right"})
            yield Request(answer.learner, "correction", path, points)
            return
