"""Ana's certificate, for the table of who may do what."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from core_lms.certificates import service
from core_lms.units import transaction
from gateway.caller import service as consumer
from stack.postgres import PostgresSettings, connect_lms, pool


async def _award(institution_id: str, enrollment_id: str) -> Any:
    async with pool(PostgresSettings().app_url) as database:
        caller = consumer("certificates.issue", institution_id)
        async with transaction(database, caller) as unit:
            return await service.award(unit, enrollment_id)


def award(institution_id: str, enrollment_id: str) -> dict[str, Any]:
    """The certificate that the consumer issues for a course, which is completed by this."""
    with connect_lms(autocommit=True) as connection:
        connection.execute(
            "UPDATE enrollments SET completed_at = %s WHERE id = %s",
            [datetime(2026, 2, 17, tzinfo=UTC), enrollment_id],
        )
    row = asyncio.run(_award(institution_id, enrollment_id))
    assert row is not None
    return asdict(row)


def things(lms: Any, ids: dict[str, str]) -> dict[str, str]:
    row = award(lms.institution_id, ids["enrollment_id"])
    return {"certificate_id": str(row["id"]), "code": row["code"]}
