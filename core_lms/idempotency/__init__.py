"""Requests that may be repeated: the key gives the resource's id, so a repeat finds it made."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.rows import DictRow
from pydantic import BaseModel

from contracts.event import UUID_PATTERN
from contracts.ids import named_id, new_id
from core_lms.work import Unit, Work
from gateway.errors import KeyReused
from stack.queries import load
from stack.roundtrip import Statement

_is_canonical = re.compile(UUID_PATTERN).match
_sql = load(__file__)


def resource_id(institution_id: str, kind: str, key: str | None) -> str:
    """A canonical UUID is the id itself; other keys name one; without a key it is a new one."""
    if key is None:
        return new_id()
    return key if _is_canonical(key) else named_id(institution_id, kind, key)


async def claim(unit: Unit, kind: str, body: BaseModel, *where: object) -> tuple[str, bool]:
    """The id of the resource this request makes, and whether it was made before.

    ``kind`` and ``where`` (the ids in the path) tell two routes apart that share a body. A request
    with the same key that is still under way is waited for. Raises ``KeyReused`` where the key came
    with another request.
    """
    id_ = resource_id(unit.institution_id, kind, unit.key)
    if unit.key is None:
        return id_, False
    values = _values(unit, id_, kind, body, where)
    cursor = await unit.cursor.execute(_sql["claim"], values)
    return id_, await _made_before(unit, values, cursor.rowcount)


@dataclass(frozen=True, slots=True)
class Creation:
    """A request that makes something: the id it will have, and what has to be asked first.

    ``Work.begin`` takes the statements, so that they need no round trip of their own.
    """

    id: str
    claimed: Mapping[str, Any] | None
    statements: Sequence[Statement]


def creation(
    asker: Work | Unit, kind: str, body: BaseModel, *where: object, query: str, **values: Any
) -> Creation:
    """Claims the request's key, if it has one (see ``claim``), and asks ``query``."""
    id_ = resource_id(asker.institution_id, kind, asker.key)
    look = (query, {"institution_id": asker.institution_id, **values})
    if asker.key is None:
        return Creation(id_, None, [look])
    claimed = _values(asker, id_, kind, body, where)
    return Creation(id_, claimed, [(_sql["claim"], claimed), look])


async def begun(unit: Unit, creation: Creation) -> tuple[bool, DictRow | None]:
    """Whether it was made before, and the only row of the creation's query.

    Asks what the unit did not begin with. Raises ``KeyReused`` like ``claim``.
    """
    *claims, look = unit.asked or await unit.ask(*creation.statements)
    if creation.claimed is None:
        return False, look.row
    return await _made_before(unit, creation.claimed, claims[0].count), look.row


def _values(
    asker: Work | Unit, id_: str, kind: str, body: BaseModel, where: tuple[object, ...]
) -> dict[str, Any]:
    request = "\n".join([asker.institution_id, kind, *map(str, where), body.model_dump_json()])
    fingerprint = hashlib.sha256(request.encode()).digest()
    return {"id": id_, "fingerprint": fingerprint, "institution_id": asker.institution_id}


async def _made_before(unit: Unit, values: Mapping[str, Any], claimed: int) -> bool:
    if claimed == 1:
        return False
    await unit.cursor.execute(_sql["fingerprint"], {"id": values["id"]})
    row = await unit.cursor.fetchone()
    if row is None or bytes(row["fingerprint"]) != values["fingerprint"]:
        raise KeyReused("the Idempotency-Key was used for a different request: take a new one")
    return True
