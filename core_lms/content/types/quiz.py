"""A quiz within the course: the item leads to an assessment, handing it in completes the item."""

from __future__ import annotations

from typing import Any

from contracts.event import Id
from core_lms.content.types._generic import VIEWED, Generic, Metadata


class QuizMetadata(Metadata):
    assessment_id: Id | None = None


class Quiz(Generic):
    """Without an assessment of ours (a paper quiz, an imported one) the learner's word counts."""

    about = "Leads to the assessment metadata.assessment_id; completed once that was handed in"
    metadata = QuizMetadata
    interactions = VIEWED

    async def lacking(self, metadata: dict[str, Any], trail: Any) -> str | None:
        assessment_id = metadata.get("assessment_id")
        if not assessment_id or await trail.handed_in(assessment_id):
            return None
        return f"assessment {assessment_id} was not handed in"

    def shown(self, metadata: dict[str, Any], links: Any) -> dict[str, Any]:
        return {"assessment_id": metadata.get("assessment_id")}


content_type = Quiz()
