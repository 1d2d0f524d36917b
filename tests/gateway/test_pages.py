"""A cursor leads back to the very row it was made from."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from contracts.errors import Rejected
from gateway.pages import After, decode, encode, page


@given(some.datetimes(timezones=some.just(UTC)), some.uuids())
def test_a_cursor_of_a_moment_is_read_as_written(moment: datetime, id_: UUID) -> None:
    assert decode(encode(After(moment, id_)), datetime) == After(moment, id_)


@given(some.integers(0, 2**31 - 1), some.uuids())
def test_a_cursor_of_a_position_is_read_as_written(position: int, id_: UUID) -> None:
    assert decode(encode(After(position, id_)), int) == After(position, id_)


@given(some.text(max_size=60))
def test_any_other_text_is_rejected(text: str) -> None:
    for kind in (int, datetime):
        with pytest.raises(Rejected):
            decode(text, kind)


def test_the_last_page_says_that_it_is_the_last() -> None:
    rows = [{"id": UUID(int=n), "position": n} for n in range(3)]
    assert page(rows, 3, "position")["next"] is None
    shown = page(rows, 2, "position")
    assert shown["items"] == rows[:2]
    assert decode(shown["next"], int) == After(1, UUID(int=1))
