"""Which bytes of a file are sent, by the rules of RFC 9110."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_lms.content.ranges import ByteRange, requested
from gateway.errors import RangeNotSatisfiable

TAG = '"abc"'


def wanted(range_: str | None, size: int = 100, if_range: str | None = None) -> tuple[int, int]:
    found = requested(size, range_, if_range, TAG)
    return found.start, found.end


@pytest.mark.parametrize(
    ("range_", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=10-19", (10, 20)),
        ("bytes=90-", (90, 100)),
        ("bytes=90-200", (90, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-1000", (0, 100)),
        ("bytes= 10 - 19", (10, 20)),
    ],
)
def test_a_range_is_sent_alone(range_: str, expected: tuple[int, int]) -> None:
    assert wanted(range_) == expected
    assert not requested(100, range_, None, TAG).whole


@pytest.mark.parametrize(
    "range_",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=20-10",
        "lines=1-2",
        "bytes=1-2-3",
    ],
)
def test_what_is_no_range_is_ignored(range_: str | None) -> None:
    assert requested(100, range_, None, TAG) == ByteRange(0, 100, 100, True)


@pytest.mark.parametrize("range_", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=0-1,5-6"])
def test_a_range_that_is_not_there_is_refused_with_the_size(range_: str) -> None:
    with pytest.raises(RangeNotSatisfiable) as refused:
        wanted(range_)
    assert refused.value.headers == {"Content-Range": "bytes */100"}


def test_nothing_of_an_empty_file_can_be_asked_for() -> None:
    with pytest.raises(RangeNotSatisfiable):
        wanted("bytes=0-0", size=0)
    assert wanted(None, size=0) == (0, 0)


def test_a_range_of_another_version_is_the_whole() -> None:
    assert wanted("bytes=1-2", if_range=TAG) == (1, 3)
    for other in ('"old"', f"W/{TAG}", "Tue, 17 Feb 2026 14:30:00 GMT"):
        assert wanted("bytes=1-2", if_range=other) == (0, 100)


@given(st.integers(0, 1000), st.text(alphabet="bytes=-, 0123456789", max_size=20))
def test_whatever_is_asked_the_range_lies_within_the_file(size: int, range_: str) -> None:
    try:
        found = requested(size, range_, None, TAG)
    except RangeNotSatisfiable:
        return
    assert 0 <= found.start <= found.end <= size
    assert found.whole or found.start < found.end
