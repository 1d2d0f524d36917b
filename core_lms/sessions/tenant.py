"""Working in the institution that a token names, for requests that carry no other credentials."""

from __future__ import annotations

from core_lms.unit import Unit
from gateway.caller import anonymous

_ENTER = "SELECT set_config('learnstream.institution_id', %s, true)"


async def enter(unit: Unit, institution_id: str) -> None:
    """From here on the unit sees this institution's rows, as nobody in particular."""
    if unit.institution_id != institution_id or unit.caller.kind != "anonymous":
        unit.caller = anonymous(institution_id)
        await unit.cursor.execute(_ENTER, [institution_id])
