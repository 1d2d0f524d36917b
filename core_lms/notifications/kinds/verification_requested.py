"""Somebody registered an address: its owner confirms it."""

from __future__ import annotations

from datetime import timedelta

from contracts.events.users import UserVerificationRequested
from core_lms.notifications.kinds import Facts, Kind
from core_lms.notifications.texts import Text
from core_lms.sessions import links
from core_lms.unit import Unit


async def at_sending(unit: Unit, user_id: str, known: Facts) -> Facts | None:
    link = await links.mint(unit, user_id, "verify")
    return None if link is None else {"link": link}


KIND = Kind(
    event=UserVerificationRequested,
    about="Your address has to be confirmed",
    texts={
        "en": Text(
            "Confirm your address",
            "Somebody registered an account with this address. If it was you, confirm it and "
            "choose a password.\n\nIf it was not you, do nothing.",
            "Confirm the address",
        ),
        "de": Text(
            "Bestätigen Sie Ihre Adresse",
            "Mit dieser Adresse wurde ein Konto angelegt. Wenn Sie das waren, bestätigen Sie sie "
            "und wählen Sie ein Passwort.\n\nWenn nicht, müssen Sie nichts tun.",
            "Adresse bestätigen",
        ),
    },
    example={},
    channels=("email",),
    essential=True,
    max_age=timedelta(hours=24),
    at_sending=at_sending,
)
