"""Requests that may be repeated: the key gives the resource's id, so a repeat finds it made.

A key is its sender's own. It names the id together with who sent it, so the same key from somebody
else is another resource; and the request's fingerprint holds the sender too, for imports, which
choose ids themselves. It is keyed: bodies contain addresses, and a plain hash can be guessed at.
A repeat is answered to who may still see what was made.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.rows import DictRow
from pydantic import BaseModel

from contracts.event import UUID_PATTERN
from contracts.ids import named_id, new_id
from core_lms.audit_trail import PERSON_FACT
from core_lms.unit import Unit
from core_lms.units import HISTORY, Units
from gateway.caller import Caller
from gateway.decision import allowed
from gateway.errors import Forbidden, KeyReused, NotFound
from gateway.resource import Resource
from stack.keyset import blind_index
from stack.queries import load
from stack.roundtrip import Statement

_is_canonical = re.compile(UUID_PATTERN).match
_sql = load(__file__)


Shown = tuple[str, Callable[[str], Resource]]
"""The action by which people see what a request makes, and that as a resource, by its id."""


def resource_id(caller: Caller, kind: str, key: str | None) -> str:
    """A key and its sender name an id; without a key it is a new one.

    A key that is a UUIDv7 names an id of the same millisecond, so ids stay in order. Whoever brings
    history says which ids things had: there a canonical UUID is the id itself.
    """
    if key is None:
        return new_id()
    is_uuid = _is_canonical(key) is not None
    if is_uuid and HISTORY.of(caller):
        return key
    named = named_id(caller.institution_id, caller.actor, kind, key)
    return f"{key[:14]}7{named[15:]}" if is_uuid and key[14] == "7" else named


async def claim(
    unit: Unit, kind: str, body: BaseModel, *where: object, shown: Shown | None = None
) -> str:
    """The id of the resource this request makes; ``unit.repeated`` where it was made before.

    ``kind`` and ``where`` (the ids in the path) distinguish two routes that share a body. A request
    with the same key that is still under way is waited for. Raises ``KeyReused`` where the key came
    with another request, and ``Forbidden`` for a person who may no longer see what was made.
    """
    id_ = resource_id(unit.caller, kind, unit.key)
    if unit.key is not None:
        values = _values(unit, id_, kind, body, where)
        cursor = await unit.cursor.execute(_sql["claim"], values)
        await _check(unit, values, cursor.rowcount, shown)
    return id_


@dataclass(frozen=True, slots=True)
class Creation:
    """A request that makes something: the id it will have, and what has to be asked first.

    ``Units.begin`` takes the statements, so that they need no round trip of their own.
    """

    id: str
    claimed: Mapping[str, Any] | None
    statements: Sequence[Statement]


def creation(
    asker: Units | Unit, kind: str, body: BaseModel, *where: object, query: str, **values: Any
) -> Creation:
    """Claims the request's key, if it has one (see ``claim``), and asks ``query``."""
    id_ = resource_id(asker.caller, kind, asker.key)
    query_ = (query, {"institution_id": asker.institution_id, **values})
    if asker.key is None:
        return Creation(id_, None, [query_])
    claimed = _values(asker, id_, kind, body, where)
    return Creation(id_, claimed, [(_sql["claim"], claimed), query_])


async def begun(unit: Unit, creation: Creation, shown: Shown | None = None) -> DictRow | None:
    """The only row of the creation's query; asks what the unit did not begin with.

    Says like ``claim`` that it was made before, and raises like it.
    """
    *claims, found = unit.asked or await unit.ask(*creation.statements)
    if creation.claimed is not None:
        await _check(unit, creation.claimed, claims[0].count, shown)
    return found.row


def _values(
    asker: Units | Unit, id_: str, kind: str, body: BaseModel, where: tuple[object, ...]
) -> dict[str, Any]:
    caller = asker.caller
    route = [caller.institution_id, caller.actor, kind, *map(str, where)]
    request = "\n".join([*route, body.model_dump_json()])
    return {
        "id": id_,
        "fingerprint": blind_index("idempotency_keys.fingerprint", request),
        "unkeyed": hashlib.sha256(request.encode()).digest(),
        "institution_id": asker.institution_id,
    }


async def _check(unit: Unit, values: Mapping[str, Any], claimed: int, shown: Shown | None) -> None:
    if claimed == 1:
        return
    await unit.cursor.execute(_sql["fingerprint"], {"id": values["id"]})
    row = await unit.cursor.fetchone()
    # Rows from before the index key have a plain hash, which a reader of the table can guess at.
    known = (values["fingerprint"], values["unkeyed"])
    if row is None or bytes(row["fingerprint"]) not in known:
        raise KeyReused("the Idempotency-Key was used for a different request: take a new one")
    # What a machine makes its key's scopes name; that it made it is for it to know.
    if shown is not None and unit.caller.kind == "person":
        await _still_for(unit, shown[0], shown[1](values["id"]))
    unit.repeated = True


async def _still_for(unit: Unit, action: str, about: Resource) -> None:
    """Raises ``Forbidden`` where the caller may not do that, ``NotFound`` where it is gone."""
    assert about.SQL is not None
    [found] = await unit.ask((about.SQL, about.params(unit.caller)))
    if found.row is None:
        raise NotFound(f"there is no {about}")
    facts = {name: value for name, value in found.row.items() if name != PERSON_FACT}
    if not allowed(unit.caller, action, about.KIND, facts):
        raise Forbidden(f"{action} of {about} is not for you to do")
