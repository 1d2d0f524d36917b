"""Providers and identities in Postgres."""

from __future__ import annotations

from typing import Any

from psycopg.rows import DictRow

from contracts.ids import new_id
from core_lms.unit import Unit
from stack.keyset import blind_index, master
from stack.queries import load

_sql = load(__file__)
_CHANGEABLE = (
    "title",
    "client_id",
    "redirect_uris",
    "provisions",
    "links_by_email",
    "trusts_email",
    "email_domains",
    "enabled",
)


def _sealed(id_: object, secret: str | None) -> bytes | None:
    return None if secret is None else master().encrypt(secret.encode(), str(id_).encode())


def client_secret(provider: DictRow) -> str | None:
    sealed = provider["client_secret_sealed"]
    return sealed and master().decrypt(bytes(sealed), str(provider["id"]).encode()).decode()


def subject_index(unit: Unit, issuer: str, subject: str) -> bytes:
    return blind_index("identities.subject", unit.institution_id, issuer, subject)


async def insert(unit: Unit, id_: str, values: dict[str, Any]) -> DictRow:
    sealed = _sealed(id_, values.pop("client_secret"))
    values |= {
        "id": id_,
        "institution_id": unit.institution_id,
        "client_secret_sealed": sealed,
    }
    await unit.cursor.execute(_sql["insert"], values)
    row = await unit.cursor.fetchone()
    assert row is not None
    return row


async def all_(unit: Unit) -> list[DictRow]:
    await unit.cursor.execute(_sql["all"], {"institution_id": unit.institution_id})
    return await unit.cursor.fetchall()


async def of_name(unit: Unit, name: str, *, locked: bool = False) -> DictRow | None:
    values = {"institution_id": unit.institution_id, "name": name}
    await unit.cursor.execute(_sql["of_name_locked" if locked else "of_name"], values)
    return await unit.cursor.fetchone()


async def get(unit: Unit, id_: object) -> DictRow | None:
    await unit.cursor.execute(_sql["get"], {"id": id_})
    return await unit.cursor.fetchone()


async def update(unit: Unit, id_: object, changes: dict[str, Any]) -> DictRow:
    values = {name: changes.get(name) for name in _CHANGEABLE}
    values |= {"id": id_, "client_secret_sealed": _sealed(id_, changes.get("client_secret"))}
    await unit.cursor.execute(_sql["update"], values)
    row = await unit.cursor.fetchone()
    assert row is not None
    return row


async def delete(unit: Unit, name: str) -> bool:
    values = {"institution_id": unit.institution_id, "name": name}
    return (await unit.cursor.execute(_sql["delete"], values)).rowcount == 1


async def identity(unit: Unit, index: bytes) -> str | None:
    """Whose account it is; notes that they came."""
    values = {"institution_id": unit.institution_id, "subject_index": index}
    await unit.cursor.execute(_sql["identity"], values)
    row = await unit.cursor.fetchone()
    return None if row is None else str(row["user_id"])


async def link(unit: Unit, user_id: object, provider_id: object, index: bytes) -> None:
    values = {
        "id": new_id(),
        "institution_id": unit.institution_id,
        "user_id": user_id,
        "provider_id": provider_id,
        "subject_index": index,
    }
    await unit.cursor.execute(_sql["link"], values)


async def of_user(unit: Unit, user_id: object) -> list[DictRow]:
    await unit.cursor.execute(_sql["of_user"], {"user_id": user_id})
    return await unit.cursor.fetchall()


async def unlink(unit: Unit, user_id: object, id_: object) -> bool:
    values = {"id": id_, "user_id": user_id}
    return (await unit.cursor.execute(_sql["unlink"], values)).rowcount == 1
