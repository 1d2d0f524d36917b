"""What people are asked to consent to, declared once; events and the API name these purposes."""

from __future__ import annotations

from typing import Literal, get_args

Purpose = Literal["personalization", "analytics", "communication"]

PURPOSES: dict[Purpose, str] = {
    "personalization": "offers chosen from what the person did; features about them are computed",
    "analytics": "lists, pages and features name them; without it they count in totals alone",
    "communication": "messages beyond those that the service itself requires",
}
"""Purpose → what it allows. A new one is a member of ``Purpose`` and a line here."""

OF_FEATURES: tuple[Purpose, ...] = ("personalization", "analytics")
"""Features serve recommendations and show what a learner did: at least one consent is needed."""

assert set(PURPOSES) == set(get_args(Purpose))
