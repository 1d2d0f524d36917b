"""Ana's attempt at a quiz of her course, for the routes of banks, questions, parts and attempts."""

from __future__ import annotations

from typing import Any

from core_lms.assessment.kinds import kinds


def things(lms: Any, ids: dict[str, str]) -> dict[str, str]:
    bank = lms.made(f"/courses/{ids['course_id']}/banks", {"title": "Statistics"})
    single = {"kind": "single", "body": dict(kinds()["single"].example)}
    question = lms.made(f"/banks/{bank['id']}/questions", single)
    quiz = lms.assessment(ids["course_id"])
    part = lms.made(f"/assessments/{quiz}/parts", {"question_id": question["id"]})
    attempt = lms.made(f"/assessments/{quiz}/attempts", {"user_id": ids["user_id"]})
    return {
        "bank_id": str(bank["id"]),
        "question_id": str(question["id"]),
        "part_id": str(part["id"]),
        "attempt_id": str(attempt["id"]),
    }
