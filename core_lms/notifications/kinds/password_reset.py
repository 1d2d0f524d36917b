"""Somebody asked to set a new password."""

from __future__ import annotations

from datetime import timedelta

from contracts.events.users import UserPasswordResetRequested
from core_lms.notifications.kinds import Facts, Kind
from core_lms.notifications.texts import Text
from core_lms.sessions import links
from core_lms.unit import Unit


async def at_sending(unit: Unit, user_id: str, known: Facts) -> Facts | None:
    link = await links.mint(unit, user_id, "reset")
    return None if link is None else {"link": link}


KIND = Kind(
    event=UserPasswordResetRequested,
    about="You asked for a new password",
    texts={
        "en": Text(
            "Set a new password",
            "Somebody asked to set a new password for your account. The link works once and not "
            "for long.\n\nIf it was not you, do nothing: your password stays as it is.",
            "Set a new password",
        ),
        "de": Text(
            "Neues Passwort setzen",
            "Für Ihr Konto wurde ein neues Passwort angefordert. Der Link gilt einmal und nicht "
            "lange.\n\nWenn Sie das nicht waren, müssen Sie nichts tun: Ihr Passwort bleibt, wie "
            "es ist.",
            "Neues Passwort setzen",
        ),
    },
    example={},
    channels=("email",),
    essential=True,
    max_age=timedelta(hours=1),
    at_sending=at_sending,
)
