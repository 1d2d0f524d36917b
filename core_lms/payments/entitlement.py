"""Who may enter a course that costs something: whoever has a paid order for it."""

from __future__ import annotations

from uuid import UUID

from core_lms.payments import repository
from core_lms.unit import Unit
from gateway.errors import PaymentRequired


async def entitled(unit: Unit, user_id: str | UUID, course_id: str | UUID) -> None:
    """Raises ``PaymentRequired``, naming the way to pay; free courses are everybody's."""
    found = await repository.row(unit, "owes", user_id=user_id, course_id=course_id)
    if found["owes"]:
        raise PaymentRequired(
            f"course {course_id} costs something: POST /api/v1/orders with user_id {user_id} and "
            "this course_id, then pay the order"
        )
