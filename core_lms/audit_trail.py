"""What of a unit of work goes into the audit log.

Any access of somebody to another person's data counts, reading included. What people do with their
own data does not, unless a service says so (``record``): erasing, exporting, consent, guardians.
Nor does what one of our services reads on behalf of the very person it is about.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from functools import cache
from typing import Any

from contracts.event import personal_fields
from core_lms.unit import Unit
from gateway.caller import Caller
from gateway.resource import Resource

INSERT = """
INSERT INTO audit_queue (actor, action, resource, about, session_id, institution_id)
VALUES (%(actor)s, %(action)s, %(resource)s, %(about)s::uuid[], %(session_id)s, %(institution_id)s)
"""

PERSON_FIELDS = ("user_id", "about", "learner_id")
"""Fields of a resource that name a person."""

PERSON_FACT = "person_id"
"""The column of a resource's query that says whose it is; it does not reach the policies."""

_personal = cache(personal_fields)
_current: ContextVar[Unit | None] = ContextVar("unit", default=None)
_READS = (".read", ".list")


def begin(unit: Unit, action: str, resource: Resource, person_id: object = None) -> None:
    """Note what the unit does, and about whom as far as its resource says."""
    unit.action, unit.resource = action, str(resource)
    _current.set(unit)
    fields = {field.name for field in dataclasses.fields(resource)}
    named = [getattr(resource, name) for name in PERSON_FIELDS if name in fields]
    unit.people.update(str(id_) for id_ in (*named, person_id) if id_ is not None)
    unit.people -= _themselves(unit.caller, action)


def _themselves(caller: Caller, action: str) -> set[str]:
    """Who needs no entry: the caller, and whom a service reads for."""
    own = {str(caller.user_id)}
    if caller.on_behalf_of is not None and action.endswith(_READS):
        own.add(caller.on_behalf_of.removeprefix("user/"))
    return own


def record(unit: Unit, *people: object, action: str | None = None) -> None:
    """The unit is also about these people, the caller included.

    ``action`` names what a unit does that no route began.
    """
    unit.action = action or unit.action
    unit.people.update(map(str, people))


def shown(items: Iterable[Any], column: str = "user_id") -> None:
    """The unit of this request shows these rows: it is about whoever is in ``column``.

    Every page of a list comes through here (``core_lms.pages``), so that no list can forget it.
    """
    unit = _current.get()
    if unit is not None:
        found = (_person(item, column) for item in items)
        people = {str(id_) for id_ in found if id_ is not None}
        unit.people.update(people - _themselves(unit.caller, unit.action))


def _person(row: Any, column: str) -> object:
    """Of a row that is a mapping or a dataclass; None where it names nobody."""
    return row.get(column) if isinstance(row, Mapping) else getattr(row, column, None)


def entry(unit: Unit) -> Mapping[str, Any] | None:
    """The row to write with the unit, if it is about anybody: whom its events name included."""
    if unit.action:
        for envelope in unit.events:
            named = {getattr(envelope.payload, name) for name in _personal(type(envelope.payload))}
            unit.people.update(named - {None, unit.caller.user_id})
    if not unit.people:
        return None
    caller: Caller = unit.caller
    return {
        "actor": caller.actor,
        "action": unit.action,
        "resource": unit.resource,
        "about": sorted(unit.people),
        "session_id": caller.session_id,
        "institution_id": caller.institution_id,
    }
