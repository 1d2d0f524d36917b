"""What a copied course has of payments: its prices, or it would be free unawares."""

from __future__ import annotations

from core_lms.courses.structure import CourseCopy
from core_lms.payments.repository import SQL
from core_lms.payments.schemas import Price
from core_lms.unit import Unit


async def copy(unit: Unit, run: CourseCopy) -> None:
    """The prices that are not retired; orders stay with the run they were made for."""
    for price in await unit.all(Price, SQL["prices"], course_id=run.source_id):
        what = {"currency": price.currency, "amount_minor": price.amount_minor}
        id_ = run.id_of(price.id)
        await unit.execute(SQL["insert_price"], id=id_, course_id=run.target_id, **what)
