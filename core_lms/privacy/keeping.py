"""What stays of an erased person, and why: rows under a fresh random id that means nobody.

Whatever is not here is deleted, so that a new table is safe before anybody thinks of it. What stays
loses its free text, which may say who somebody is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Kept:
    """``blank``: column → the SQL value that takes its place."""

    why: str
    blank: Mapping[str, str] = field(default_factory=dict)


_RECORD = "academic record: totals of a course stay true, and statistics stay what they were"
_MONEY = "accounting records must be kept; the amount, not the person"
_PROOF = "proves what was agreed or done, and when"

KEEPING: dict[str, Kept] = {
    "users": Kept("rows that stay refer to it; its id means nobody"),
    "enrollments": Kept(_RECORD),
    "submissions": Kept(_RECORD),
    "assessment_scores": Kept(_RECORD),
    "grade_history": Kept(_RECORD, {"why_sealed": "NULL"}),
    "attempts": Kept(_RECORD),
    "attempt_questions": Kept(
        _RECORD,
        dict.fromkeys(("answer_sealed", "response", "feedback_sealed", "criteria"), "NULL"),
    ),
    "feedback": Kept(_RECORD, {"text_sealed": "NULL"}),
    "content_views": Kept(_RECORD, {"details": "'{}'", "text_sealed": "NULL"}),
    "content_completions": Kept(_RECORD),
    "video_progress": Kept(_RECORD),
    "orders": Kept(_MONEY),
    "payments": Kept(_MONEY, {"redirect_url": "NULL"}),
    "refunds": Kept(_MONEY),
    "consents": Kept(_PROOF),
    "audit_log": Kept(_PROOF),
}
