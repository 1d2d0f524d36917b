"""What Ana's notifications are addressed by, for the table of who may do what."""

from __future__ import annotations

from typing import Any

from contracts.ids import new_id
from core_lms.notifications.tokens import Unsubscription


def things(lms: Any, ids: dict[str, str]) -> dict[str, str]:
    ends = Unsubscription(lms.institution_id, ids["user_id"], "course_completed", "email")
    return {
        "notification_id": new_id(),
        "subscription_id": new_id(),
        "token": ends.token(),
    }
