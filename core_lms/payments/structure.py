"""What a copied course has of payments: its prices, or it would be free unawares."""

from __future__ import annotations

from core_lms.courses.structure import CourseCopy
from core_lms.payments.repository import SQL
from core_lms.payments.schemas import Price
from core_lms.payments.service import amount
from core_lms.unit import Unit


async def copy(unit: Unit, run: CourseCopy) -> None:
    """The prices that are not retired; orders stay with the run they were made for."""
    for price in await unit.all(Price, SQL["prices"], course_id=run.source_id):
        what = {"id": run.id_of(price.id), "course_id": run.target_id, **amount(price)}
        await unit.execute(SQL["insert_price"], **what)
