"""What people are asked to consent to, declared once; events and the API name these purposes."""

from __future__ import annotations

from typing import Literal, get_args

Purpose = Literal["personalization", "analytics", "communication"]

PURPOSES: dict[Purpose, str] = {
    "personalization": "offers chosen from what the person did; features about them are computed",
    "analytics": "their activity counts in statistics that name learners to their teachers",
    "communication": "messages beyond those that the service itself requires",
}
"""Purpose → what it allows. A new one is a member of ``Purpose`` and a line here."""

assert set(PURPOSES) == set(get_args(Purpose))
