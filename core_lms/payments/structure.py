"""What a copied course has of payments: its prices, or it would be free unawares."""

from __future__ import annotations

from core_lms.courses.structure import CourseCopy
from core_lms.payments import repository
from core_lms.unit import Unit


async def copy(unit: Unit, run: CourseCopy) -> None:
    """The prices that are not retired; orders stay with the run they were made for."""
    for price in await repository.rows(unit, "prices", course_id=run.source_id):
        await repository.row(
            unit,
            "insert_price",
            id=run.id_of(price["id"]),
            course_id=run.target_id,
            currency=price["currency"],
            amount_minor=price["amount_minor"],
        )
