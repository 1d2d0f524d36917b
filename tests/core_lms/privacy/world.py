"""What the routes of privacy are about."""

from __future__ import annotations

from typing import Any


def things(lms: Any, ids: dict[str, str]) -> dict[str, str]:
    row = lms.database.execute(
        "SELECT guardian_id::text FROM guardians WHERE learner_id = %s", [ids["user_id"]]
    ).fetchone()
    return {"purpose": "personalization", "guardian_id": row[0]}
