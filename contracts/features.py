"""A feature row: what travels on ``lms.features`` to the feature store."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from contracts.event import Id, Kind, Timestamp


class FeatureRow(BaseModel):
    """All features of one entity in one feature view at one moment.

    The Kafka key is ``<feature_view>/<entity_id>``; a later row replaces an earlier one.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    feature_view: Kind
    entity_id: Id
    institution_id: Id
    event_timestamp: Timestamp
    features: dict[str, int | float | str | None]
    past: bool = False
    """A row published again for the history alone: the online store keeps the newest."""
