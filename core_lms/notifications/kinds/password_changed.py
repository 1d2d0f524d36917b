"""The password was changed: the person is notified, in case it was somebody else."""

from __future__ import annotations

from contracts.envelope import Envelope
from contracts.events.users import UserPasswordChanged
from core_lms.notifications.kinds import Facts, Kind
from core_lms.notifications.texts import Text
from core_lms.unit import Unit


async def facts(unit: Unit, envelope: Envelope) -> Facts | None:
    return {"at": f"{envelope.timestamp:%Y-%m-%d %H:%M} UTC"}


KIND = Kind(
    event=UserPasswordChanged,
    about="Your password was changed",
    texts={
        "en": Text(
            "Your password was changed",
            "The password of your account was set at {{ at }}.\n\nIf it was not you, ask for a "
            "new one at once and tell your administrator.",
        ),
        "de": Text(
            "Ihr Passwort wurde geändert",
            "Das Passwort Ihres Kontos wurde um {{ at }} gesetzt.\n\nWenn Sie das nicht waren, "
            "fordern Sie sofort ein neues an und sagen Sie es Ihrer Verwaltung.",
        ),
    },
    facts=facts,
    example={"at": "2026-02-17 14:30 UTC"},
    essential=True,
)
