"""What a person agrees to: the newest of their choices, or else the institution's default."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from contracts.consent import PURPOSES, Purpose
from contracts.events.consents import ConsentGiven, ConsentWithdrawn
from contracts.ids import new_id
from core_lms import audit_trail, pages
from core_lms.privacy import repository
from core_lms.privacy.repository import Change, sql
from core_lms.unit import Unit, found
from core_lms.users import repository as accounts
from core_lms.users import service as users
from gateway.pages import Window
from stack.consent import ConsentSettings

SOURCE = "privacy-service"


async def consented(unit: Unit, user_id: object, purpose: Purpose) -> bool:
    """Whether a person agrees to ``purpose`` now."""
    chosen = (await repository.choices(unit, user_id)).get(purpose)
    if chosen is None:
        return purpose in ConsentSettings().by_default(unit.institution_id)
    return chosen.given


async def all_of(unit: Unit, user_id: UUID) -> dict[str, Any]:
    """Every purpose; raises ``NotFound`` for an unknown or forgotten person."""
    await users.get(unit, user_id)
    return await _consents(unit, user_id)


async def _consents(unit: Unit, user_id: UUID) -> dict[str, Any]:
    chosen = await repository.choices(unit, user_id)
    default = ConsentSettings().by_default(unit.institution_id)
    return {
        "items": [
            {
                "purpose": purpose,
                "about": about,
                "given": chosen[purpose].given if purpose in chosen else purpose in default,
                "changed_at": chosen[purpose].created_at if purpose in chosen else None,
            }
            for purpose, about in PURPOSES.items()
        ]
    }


async def choose(unit: Unit, user_id: UUID, purpose: Purpose, given: bool) -> dict[str, Any]:
    """Set a choice and emit it; the same choice again changes nothing."""
    # Changes of one person's choices come one after the other, so that the last is the last.
    found(await accounts.locked(unit, user_id), f"there is no user {user_id}")
    audit_trail.record(unit, user_id)
    before = (await repository.choices(unit, user_id)).get(purpose)
    if before is None or before.given != given:
        choice = {"user_id": user_id, "purpose": purpose, "given": given}
        by = unit.caller.name
        await unit.execute(sql["insert_consent"], id=new_id(), changed_by=by, **choice)
        event = ConsentGiven if given else ConsentWithdrawn
        unit.emit(event(user_id=str(user_id), purpose=purpose), source=SOURCE)
    items = (await _consents(unit, user_id))["items"]
    return next(item for item in items if item["purpose"] == purpose)


async def history(unit: Unit, user_id: UUID, window: Window) -> dict[str, Any]:
    """Every change of every purpose, oldest first."""
    return await pages.read(unit, Change, sql["consent_history"], window, user_id=user_id)
