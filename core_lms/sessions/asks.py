"""What strangers ask for by an e-mail address: a link for a forgotten password, or an account.

Nobody may learn from an answer, or from how long it takes, whether an address has an account. So
the request seals the wish and writes it down, which is the same work for every address, and a loop
(``loops/answer.py``) does what depends on the address.
"""

from __future__ import annotations

import json
import logging
from typing import Any, Literal

import psycopg
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel

from contracts.errors import LearnstreamError
from contracts.ids import new_id
from core_lms import audit_trail
from core_lms.unit import Unit
from core_lms.units import transaction
from core_lms.users import repository as users
from core_lms.users import service as accounts
from core_lms.users.schemas import SelfRegistration
from gateway.caller import anonymous
from stack.keyset import Undecryptable, master
from stack.queries import load

log = logging.getLogger("core_lms.sessions")

Kind = Literal["reset", "register"]
AT_ONCE = 50
_ACTIONS: dict[str, str] = {"reset": "password.forget", "register": "registration.create"}
_sql = load(__file__, "asks.sql")


async def ask(unit: Unit, kind: Kind, wish: BaseModel) -> None:
    """Write the wish down; it is answered a moment later."""
    id_ = new_id()
    sealed = master().encrypt(wish.model_dump_json().encode(), id_.encode())
    values = {"id": id_, "kind": kind, "sealed": sealed, "institution_id": unit.institution_id}
    unit.write_at_commit(_sql["insert"], values)


async def answer_all(pool: AsyncConnectionPool[Any]) -> int:
    """How many wishes waited; each is answered in a transaction of its own, and once."""
    async with pool.connection() as connection:
        cursor = await connection.execute(_sql["waiting"], {"most": AT_ONCE})
        found = await cursor.fetchall()
    for id_, institution_id in found:
        try:
            async with transaction(pool, anonymous(institution_id)) as unit:
                await unit.cursor.execute(_sql["take"], {"id": id_})
                row = await unit.cursor.fetchone()
                if row is not None:  # no other process was faster
                    await _answer(unit, str(id_), row["kind"], bytes(row["sealed"]))
        except (LearnstreamError, psycopg.Error) as error:
            # The others' wishes are none the less due; this one is tried again the next time.
            log.warning("a wish was not answered", extra={"error": type(error).__name__})
    return len(found)


async def _answer(unit: Unit, id_: str, kind: str, sealed: bytes) -> None:
    try:
        wish = json.loads(master().decrypt(sealed, id_.encode()))
    except Undecryptable:
        return  # the master key was replaced in between: the person asks again
    audit_trail.record(unit, action=_ACTIONS[kind])
    if kind == "register":
        await accounts.register_oneself(unit, SelfRegistration.model_validate(wish))
        return
    user = await users.of_email(unit, wish["email"])
    if user is not None:
        await accounts.ask_for_reset(unit, user)
