"""Keys of our own services: one per service and institution, of the scopes that stand here.

A service key is an API key with a name: `machine/serving` in the audit log. The secret
``service-key-<service>`` holds it where the service runs; the database has its hash only.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from contracts.errors import Misconfigured, Rejected
from contracts.events.integration import ApiKeyCreated
from contracts.ids import new_id
from core_lms.api_keys import keys, repository, service
from core_lms.api_keys.repository import SQL
from core_lms.api_keys.schemas import ApiKey
from core_lms.unit import Unit
from stack.queries import load
from stack.secrets import secret, variable_of

SCOPES = {
    "serving": (
        "completed-item.list",
        "consent.read",
        "course.list",
        "course.read",
        "enrollment.list",
        "item.list",
    ),
}
"""Every service that has a key, and all it may do: none of it writes. The dashboards have none,
because they act with the token of whoever is signed in."""

_sql = load(__file__)


def ensure(owner: psycopg.Connection[Any], institution_id: str) -> list[str]:
    """Make the secrets that are not there yet and register them; the services whose key is new.

    Raises ``Misconfigured`` for a secret that was set to something which is no key.
    """
    made = []
    for name in SCOPES:
        key = secret(f"service-key-{name}", keys.new)
        if not keys.well_formed(key):
            variable = variable_of(f"service-key-{name}")
            raise Misconfigured(
                f"{variable} is no key: `learnstream service-keys new {name}` prints one",
                setting=variable,
            )
        values = _row(name, key) | {"institution_id": institution_id}
        if owner.execute(_sql["ensure_service"], values).fetchone():
            made.append(name)
    return made


async def create(unit: Unit, name: str, overlap: timedelta | None = None) -> tuple[str, ApiKey]:
    """A new key of a service in the unit's institution, and its row.

    With ``overlap`` it follows the keys that there are, which end after it. Raises ``Rejected`` for
    a service that has no keys.
    """
    key = keys.new()
    row = await repository.insert(unit, **_row(_known(name), key), expires_at=None, created_by=None)
    if overlap is not None:
        ends_at = datetime.now(UTC) + overlap
        await unit.execute(SQL["supersede"], service=name, id=row.id, ends_at=ends_at)
    unit.emit(ApiKeyCreated(api_key_id=str(row.id)), source=service.SOURCE)
    return key, row


async def listed(unit: Unit) -> list[ApiKey]:
    """Every service key of the institution that counts, the oldest first."""
    return await unit.all(ApiKey, SQL["of_services"])


async def revoke(unit: Unit, key_id: UUID) -> ApiKey:
    """Refused from now on, everywhere. Raises ``NotFound``, or ``Rejected`` for a key of no
    service."""
    row = await service.get(unit, key_id)
    if row.service is None:
        raise Rejected(f"{key_id} is no service's key: revoke it with the API")
    return await service.revoke(unit, key_id)


def _row(name: str, key: str) -> dict[str, Any]:
    return {
        "id": new_id(),
        "name": f"service {name}",
        "service": name,
        "start": key[:10],
        "hash": keys.digest(key),
        "scopes": list(SCOPES[name]),
    }


def _known(name: str) -> str:
    if name not in SCOPES:
        raise Rejected(f"{name} has no key of its own: choose from {', '.join(SCOPES)}")
    return name
