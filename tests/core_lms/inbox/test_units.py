"""What a handler may do with the unit it is given."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from contracts.fixtures import example_envelope
from core_lms.inbox import Consumer
from core_lms.inbox.handling import unit_of
from core_lms.unit import Unit


class _Cursor:
    rowcount = 1

    async def execute(self, query: str, values: Any) -> _Cursor:
        assert "institution" in query
        return self


async def _handle(unit: Unit, _: Any) -> None: ...


def test_a_handler_cannot_leave_a_write_to_an_end_that_is_not_its_own() -> None:
    envelope = example_envelope("content.viewed")
    consumer = Consumer("test.late", (type(envelope.payload),), _handle)
    unit = asyncio.run(
        unit_of(_Cursor(), consumer, envelope.institution_id)  # type: ignore[arg-type]
    )
    with pytest.raises(TypeError, match="shares its transaction"):
        unit.write_at_commit("INSERT INTO applied DEFAULT VALUES", {})
