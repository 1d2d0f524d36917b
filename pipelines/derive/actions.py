"""SQL that selects a learner's own actions: the event classes say which these are."""

from __future__ import annotations

from contracts.event import EVENTS
from contracts.events import LEARNER_ACTIONS
from contracts.topics import CONTENT

OWN = "{own_action}"
"""Stands in SQL for the condition on the archive's row ``e``."""


def own_actions(*more: str) -> str:
    """The condition that the event ``e`` is a learner's own action, or of a type in ``more``.

    All of a topic whose events are all own actions come by the topic: a plan knows its rows.
    """
    others = [type_ for type_ in LEARNER_ACTIONS if EVENTS[type_].TOPIC != CONTENT]
    types = ", ".join(f"'{type_}'" for type_ in sorted({*others, *more}))
    return f"(e.topic = '{CONTENT.name}' OR e.event_type IN ({types}))"
