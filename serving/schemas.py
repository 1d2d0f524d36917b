"""Recommendations and search as they cross HTTP."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from contracts.event import Id
from contracts.events.recommendations import Source

_RECOMMENDATION = "01932f1c-5b7a-7c3e-9a51-0c6a2f9b7d10"
_ITEM = "3f0b6c1e-8d2a-3c55-9f0e-2b7a4d1c6e90"
_COURSE = "7c9e6679-7425-30de-944b-e07fc1f90ae7"


class RecommendedItem(BaseModel):
    """One item of an answer."""

    position: int
    item_id: str
    title: str
    kind: str
    course_id: str
    course_title: str
    source: Source
    reason: str
    score: float = Field(description="orders items of the same source; not comparable across")


class Recommendation(BaseModel):
    """An answer: never empty while the learner has something left, never a finished item."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "recommendation_id": _RECOMMENDATION,
                "model": "recommender@3f1c9b2a7d10",
                "arm": "live",
                "degraded": [],
                "items": [
                    {
                        "position": 1,
                        "item_id": _ITEM,
                        "title": "The dot product measures agreement",
                        "kind": "page",
                        "course_id": _COURSE,
                        "course_title": "Linear algebra: vectors, maps and eigenvalues",
                        "source": "course",
                        "reason": "Next in «Linear algebra: vectors, maps and eigenvalues»",
                        "score": 1.0,
                    }
                ],
            }
        }
    )

    recommendation_id: str | None = Field(
        description="names the answer in clicks and dismissals; null where the learner did not ask "
        "for it themself: then nothing was shown to them"
    )
    model: str = Field(description="the model that ranked, or `none`")
    arm: str = Field(description="the experiment arm the learner is in")
    degraded: list[str] = Field(
        description="components that did not answer in time; while `lms` is among them, finished "
        "items are filtered as last known"
    )
    items: list[RecommendedItem]


class Chosen(BaseModel):
    """Which item of the recommendation."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"item_id": _ITEM}})

    item_id: Id


class Accepted(BaseModel):
    """The event is on its way."""

    recommendation_id: str
    item_id: str


class Hit(BaseModel):
    """One item whose text is close to the query."""

    item_id: str
    title: str
    kind: str
    course_id: str
    course_title: str
    snippet: str
    score: float = Field(description="cosine similarity, -1…1")


class SearchResult(BaseModel):
    """Items nearest in meaning, best first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "query": "how similar are two documents",
                "items": [
                    {
                        "item_id": _ITEM,
                        "title": "The dot product measures agreement",
                        "kind": "page",
                        "course_id": _COURSE,
                        "course_title": "Linear algebra: vectors, maps and eigenvalues",
                        "snippet": "Search engines use the normalised version, cosine similarity…",
                        "score": 0.61,
                    }
                ],
            }
        }
    )

    query: str
    items: list[Hit]
