"""Providers and identities in Postgres."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core_lms.unit import Unit
from stack.keyset import blind_index, master
from stack.queries import load


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """A provider as the institution has set it up."""

    id: UUID
    institution_id: UUID
    name: str
    title: str
    issuer: str
    client_id: str
    client_secret_sealed: bytes | None
    token_auth: str
    scopes: list[str]
    redirect_uris: list[str]
    provisions: bool
    links_by_email: bool
    trusts_email: bool
    email_domains: list[str]
    enabled: bool
    created_at: datetime
    updated_at: datetime


SQL = load(__file__, provider=IdentityProvider)
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


def client_secret(provider: IdentityProvider) -> str | None:
    sealed = provider.client_secret_sealed
    if sealed is None:
        return None
    return master().decrypt(bytes(sealed), str(provider.id).encode()).decode()


def subject_index(unit: Unit, issuer: str, subject: str) -> bytes:
    return blind_index("identities.subject", unit.institution_id, issuer, subject)


async def insert(unit: Unit, id_: str, values: dict[str, Any]) -> IdentityProvider:
    sealed = _sealed(id_, values.pop("client_secret"))
    named = values | {"id": id_, "client_secret_sealed": sealed}
    [row] = await unit.all(IdentityProvider, SQL["insert"], **named)
    return row


async def update(unit: Unit, id_: object, changes: dict[str, Any]) -> IdentityProvider:
    values = {name: changes.get(name) for name in _CHANGEABLE}
    sealed = _sealed(id_, changes.get("client_secret"))
    [row] = await unit.all(
        IdentityProvider, SQL["update"], **values, id=id_, client_secret_sealed=sealed
    )
    return row
