"""Learners and what they did, for whoever may see them: themselves, guardians, teachers, staff.

Activity is read in the analytical database within the scope of the caller; who they are, and
whether the caller may see them, is asked of the LMS's own tables. Who has withdrawn consent to
`analytics` is in no list, and shown to nobody but themselves and their guardians.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from core_lms import audit_trail
from core_lms.analytics import repository
from core_lms.analytics.repository import Rows
from core_lms.analytics.settings import AnalyticsSettings
from core_lms.privacy import consent
from core_lms.sealing import person
from core_lms.sessions.resource import InventedLearner
from core_lms.unit import Unit
from core_lms.units import Units, transaction
from core_lms.users import service as users
from gateway.decision import allowed
from gateway.resource import Resource
from stack.consent import ConsentSettings
from stack.queries import load

SHOWN = 24
"""Learners in a list."""
_CANDIDATES = 200
"""Learners who were active, of whom those are listed that the caller may see."""
_CLOSE = {"self", "guardian"}
_sql = load(__file__, "learners.sql")


async def lately(
    units: Units, about: Resource, pool: AsyncConnectionPool[Any], settings: AnalyticsSettings
) -> list[dict[str, Any]]:
    """Who studied or joined lately, the newest first, of those whom the caller may see."""
    async with units.begin(about) as unit:
        scope = str(unit.facts["scope"])
        courses = await repository.taught(unit) if scope == "courses" else []
        own = await _own(unit) if scope == "self" else []
    asked = [units.caller.user_id or ""] if scope != "self" else own
    active: dict[str, Mapping[str, Any]] = {}
    for user_id in asked:
        rows = Rows(scope, units.institution_id, tuple(courses), user_id)
        found = await repository.ask(
            pool, _sql["lately"], rows, settings.timeout_s, _CANDIDATES, {"limit": _CANDIDATES}
        )
        active |= {str(row["id"]): row for row in found.dicts()}
    async with units.begin(about) as unit:
        known = await _people(unit, [*active, *own], courses if scope == "courses" else None)
        listed = [_listed(one, active.get(str(one["id"]))) for one in known]
        listed.sort(key=_newest_first)
        audit_trail.shown(listed[:SHOWN], "id")
    return listed[:SHOWN]


async def activity(
    units: Units,
    about: Resource,
    user_id: UUID,
    pool: AsyncConnectionPool[Any],
    settings: AnalyticsSettings,
) -> dict[str, Any]:
    """Who somebody is, and the last dozen things they did as far as the caller may see them.

    A teacher sees what was done in the courses they teach. Raises ``NotFound``.
    """
    async with units.begin(about) as unit:
        account = await users.get(unit, user_id)
        relations = set(unit.facts.get("relations", ()))
        everywhere = bool(relations & _CLOSE) or allowed(
            units.caller, units.action, about.KIND, {"relations": []}
        )
        courses = [] if everywhere else await repository.taught(unit)
        shown = bool(relations & _CLOSE) or await consent.consented(unit, user_id, "analytics")
        may_act = await _may_act(unit, user_id)
    rows: list[dict[str, Any]] = []
    if shown:
        scope = "self" if everywhere else "courses"
        seen = Rows(scope, units.institution_id, tuple(courses), str(user_id))
        found = await repository.ask(
            pool, _sql["activity"], seen, settings.timeout_s, SHOWN, {"user_id": user_id}
        )
        rows = list(found.dicts())
    return {
        "id": user_id,
        "name": account.name,
        "invented": account.invented,
        "may_act": may_act,
        "withheld": not shown,
        "activity": rows,
        "names": await titles(units, rows),
    }


async def titles(units: Units, rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """``{id: {"title": …, "source": …}}`` of the courses and items among rows that the caller
    was let see."""
    ids = {
        str(row[column]) for row in rows for column in ("course_id", "item_id") if row.get(column)
    }
    ids = {id_ for id_ in ids if _is_id(id_)}  # such a column may also say "other courses"
    if not ids:
        return {}
    values = {"ids": sorted(ids), "institution_id": units.institution_id}
    asked = [(_sql["titles"], values)]
    async with transaction(units.pool, units.caller, first=asked) as unit:
        found = unit.asked[0].rows
    return {str(row["id"]): {"title": row["title"], "source": row["source"]} for row in found}


async def _own(unit: Unit) -> list[str]:
    """The caller, and whose guardian they are."""
    if unit.caller.user_id is None:
        return []
    caller_id = unit.caller.user_id
    return [caller_id, *map(str, await unit.values(_sql["wards"], caller_id=caller_id))]


async def _people(
    unit: Unit, ids: Sequence[str], courses: Sequence[str] | None
) -> list[dict[str, Any]]:
    rows = await unit.all(
        dict[str, Any],
        _sql["people"],
        ids=list(ids),
        courses=None if courses is None else list(courses),
        caller_id=unit.caller.user_id,
        by_default="analytics" in ConsentSettings().by_default(unit.institution_id),
    )
    return [person.opened(row) for row in rows]


async def _may_act(unit: Unit, user_id: UUID) -> bool:
    """Whether the caller may study as this person: it is them, or the demo lets them."""
    if str(user_id) == unit.caller.user_id:
        return True
    learner = InventedLearner(user_id)
    assert learner.SQL is not None
    [found] = await unit.ask((learner.SQL, learner.params(unit.caller)))
    return allowed(unit.caller, "session.act-as", learner.KIND, found.row or {})


def _listed(account: Mapping[str, Any], active: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "id": account["id"],
        "name": account["name"],
        "invented": account["invented"],
        "last_at": active["last_at"] if active else None,
        "events": active["events"] if active else 0,
    }


def _newest_first(one: Mapping[str, Any]) -> tuple[bool, float, str]:
    last_at = one["last_at"]
    return (last_at is None, -last_at.timestamp() if last_at else 0.0, str(one["id"]))


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
