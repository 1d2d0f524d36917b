"""The feedback loop: what was offered and what the learner did with it.

What a learner did says of which source, model and arm the offer was, where the sender knows it.
"""

from typing import Annotated, Literal

from pydantic import Field

from contracts.event import Event, Id, PersonId, ShortText
from contracts.topics import RECOMMENDATIONS

Source = Literal["personal", "course", "semantic", "popular"]
Propensity = Annotated[float, Field(gt=0, le=1)]
Score = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
Position = Annotated[int, Field(ge=1, le=1000)]


class RecommendationShown(Event, type="recommendation.shown", topic=RECOMMENDATIONS, key="user_id"):
    """One item of one answer was put before a learner; an answer of five items is five of these."""

    recommendation_id: Id
    user_id: PersonId
    item_id: Id
    course_id: Id
    position: Position
    source: Source
    model: ShortText
    arm: ShortText
    propensity: Propensity
    score: Score | None = None
    """By which its source ranked it: what the model gave it where the source is ``personal``."""
    reason: ShortText | None = None
    """The reason shown to the learner."""


class RecommendationClicked(
    Event,
    type="recommendation.clicked",
    topic=RECOMMENDATIONS,
    key="user_id",
    version=2,
    learner_action=True,
):
    """The learner followed a recommendation."""

    recommendation_id: Id
    user_id: PersonId
    item_id: Id
    position: Position
    source: Source | None = None
    model: ShortText | None = None
    arm: ShortText | None = None


class RecommendationDismissed(
    Event,
    type="recommendation.dismissed",
    topic=RECOMMENDATIONS,
    key="user_id",
    version=2,
    learner_action=True,
):
    """The learner said no to a recommendation."""

    recommendation_id: Id
    user_id: PersonId
    item_id: Id
    position: Position
    source: Source | None = None
    model: ShortText | None = None
    arm: ShortText | None = None


class RecommendationConverted(
    Event, type="recommendation.converted", topic=RECOMMENDATIONS, key="user_id", version=2
):
    """The learner finished what had been recommended; the sender knows of which offer."""

    recommendation_id: Id
    user_id: PersonId
    item_id: Id
    position: Position
    source: Source | None = None
    model: ShortText | None = None
    arm: ShortText | None = None
