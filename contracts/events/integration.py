"""Other systems: webhooks that notify them, and API keys that let them act."""

from typing import Annotated

from contracts.event import Event, Id, Kind, Personal, PersonId
from contracts.topics import INTEGRATION


class WebhookCreated(Event, type="webhook.created", topic=INTEGRATION, key="webhook_id"):
    """An address wants to be told of events."""

    webhook_id: Id


class WebhookUpdated(Event, type="webhook.updated", topic=INTEGRATION, key="webhook_id"):
    """Its address, the events it wants, its secret, or whether it is told at all, changed."""

    webhook_id: Id


class WebhookDisabled(Event, type="webhook.disabled", topic=INTEGRATION, key="webhook_id"):
    """Told no more, because it failed for too long or said it is gone."""

    webhook_id: Id
    reason: Kind
    user_id: Annotated[PersonId | None, Personal("made the webhook")] = None
    """Whoever made it and wants to know; none where a machine did."""


class WebhookDeleted(Event, type="webhook.deleted", topic=INTEGRATION, key="webhook_id"):
    """The address is forgotten, and what it was not told yet."""

    webhook_id: Id


class ApiKeyCreated(Event, type="api_key.created", topic=INTEGRATION, key="api_key_id"):
    """A machine may act for the institution."""

    api_key_id: Id


class ApiKeyRevoked(Event, type="api_key.revoked", topic=INTEGRATION, key="api_key_id"):
    """It may no longer."""

    api_key_id: Id
