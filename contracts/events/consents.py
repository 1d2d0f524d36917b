"""What people agreed to, and took back: ids and purposes, never why."""

from contracts.event import Event, Kind, PersonId
from contracts.topics import USERS


class ConsentGiven(Event, type="consent.given", topic=USERS, key="user_id"):
    """The person agreed to a purpose (``contracts.consent``)."""

    user_id: PersonId
    purpose: Kind


class ConsentWithdrawn(Event, type="consent.withdrawn", topic=USERS, key="user_id"):
    """The person no longer agrees; what was made for that purpose is removed."""

    user_id: PersonId
    purpose: Kind
