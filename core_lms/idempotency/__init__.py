"""Requests that may be repeated: the key gives the resource's id, so a repeat finds it made."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from psycopg.rows import DictRow
from pydantic import BaseModel

from contracts.event import UUID_PATTERN
from contracts.ids import named_id, new_id
from core_lms.errors import KeyReused
from core_lms.queries import load
from core_lms.work import Unit

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


async def claim_and_look(
    unit: Unit,
    kind: str,
    body: BaseModel,
    *where: object,
    query: str,
    values: Mapping[str, Any],
) -> tuple[str, bool, DictRow | None]:
    """The same and the only row of ``query``, which is asked in the same round trip."""
    id_ = resource_id(unit.institution_id, kind, unit.key)
    if unit.key is None:
        await unit.cursor.execute(query, values)
        return id_, False, await unit.cursor.fetchone()
    claimed = _values(unit, id_, kind, body, where)
    connection = unit.cursor.connection
    async with connection.cursor() as claiming:
        async with connection.pipeline():
            await claiming.execute(_sql["claim"], claimed)
            await unit.cursor.execute(query, values)
        row = await unit.cursor.fetchone()
        repeated = await _made_before(unit, claimed, claiming.rowcount)
    return id_, repeated, row


def _values(
    unit: Unit, id_: str, kind: str, body: BaseModel, where: tuple[object, ...]
) -> dict[str, Any]:
    request = "\n".join([unit.institution_id, kind, *map(str, where), body.model_dump_json()])
    fingerprint = hashlib.sha256(request.encode()).digest()
    return {"id": id_, "fingerprint": fingerprint, "institution_id": unit.institution_id}


async def _made_before(unit: Unit, values: Mapping[str, Any], claimed: int) -> bool:
    if claimed == 1:
        return False
    await unit.cursor.execute(_sql["fingerprint"], {"id": values["id"]})
    row = await unit.cursor.fetchone()
    if row is None or bytes(row["fingerprint"]) != values["fingerprint"]:
        raise KeyReused("the Idempotency-Key was used for a different request: take a new one")
    return True
