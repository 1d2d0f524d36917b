"""Rows for COPY in binary format, taken apart again as the server would."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from struct import unpack_from
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import wrap
from contracts.events.recommendations import RecommendationShown
from contracts.fixtures import example, example_envelope
from contracts.ids import DEFAULT_INSTITUTION
from pipelines.archive import binary
from pipelines.archive.rows import COLUMNS, Batch, utc_text

AT = datetime(2026, 1, 2, 3, 4, 6, 789, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def read(table: bytes) -> Iterator[list[bytes | None]]:
    """The rows of a whole COPY, each field's bytes."""
    at = len(b"PGCOPY\n\xff\r\n\0")
    assert table.startswith(b"PGCOPY\n\xff\r\n\0")
    flags, extension = unpack_from("!ii", table, at)
    assert flags == extension == 0
    at += 8
    while (count := unpack_from("!h", table, at)[0]) != -1:
        at += 2
        row: list[bytes | None] = []
        for _ in range(count):
            (size,) = unpack_from("!i", table, at)
            at += 4
            row.append(None if size == -1 else table[at : at + size])
            at += max(size, 0)
        yield row
    assert at + 2 == len(table)


def microseconds(at: datetime) -> int:
    return (at - datetime(2000, 1, 1, tzinfo=UTC)) // MICROSECOND


def test_a_row_has_the_columns_of_the_table_and_its_payload_as_json() -> None:
    shown = example("recommendation.shown")
    assert isinstance(shown, RecommendationShown)
    event = wrap(
        shown.model_copy(update={"model": 'tab\t back\\slash "quote"\nnewline é'}),
        institution_id=DEFAULT_INSTITUTION,
        source_service="serving",
        timestamp=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    batch = Batch(at=AT)
    batch.add(event)
    [values] = read(b"".join(batch.copied(7)))
    row = dict(zip(COLUMNS, values, strict=True))
    assert row["event_id"] == UUID(event.event_id).bytes
    assert row["user_id"] == UUID(shown.user_id).bytes
    assert row["timestamp"] == microseconds(event.timestamp).to_bytes(8, signed=True)
    assert row["received_at"] == microseconds(AT).to_bytes(8, signed=True)
    assert row["kind"] is row["clicks"] is None
    assert row["source_service"] == b"serving"
    assert row["schema_version"] == (1).to_bytes(2)
    assert (row["event_type"], row["topic"]) == (b"recommendation.shown", shown.TOPIC.name.encode())
    assert row["batch_no"] == (7).to_bytes(8)
    payload = row["payload"]
    assert payload is not None
    assert (
        payload
        == b"\x01"
        + shown.model_copy(update={"model": 'tab\t back\\slash "quote"\nnewline é'})
        .model_dump_json()
        .encode()
    )


def test_many_rows_are_given_in_blocks_and_none_is_lost() -> None:
    batch = Batch(at=AT)
    events = [example_envelope("content.viewed", number) for number in range(4_500)]
    for event in events:
        batch.add(event)
    parts = list(batch.copied(1))
    assert len(parts) == 5, "beginning, three times rows, end"
    ids = [row[0] for row in read(b"".join(parts))]
    assert ids == [UUID(event.event_id).bytes for event in events]


def test_a_column_that_lacks_a_row_is_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        list(binary.table(2, 2, binary.texts([b"a", b"b"]), binary.texts([b"c"])))


@given(st.lists(st.datetimes(timezones=st.just(UTC)), min_size=1, max_size=5))
def test_a_timestamp_is_its_microseconds_since_2000(moments: list[datetime]) -> None:
    made = binary.timestamps([utc_text(at) for at in moments])
    assert made == [binary.bigint(microseconds(at)) for at in moments]


@given(st.lists(st.none() | st.just(b"") | st.uuids().map(lambda id_: str(id_).encode())))
def test_a_learner_is_16_bytes_or_null(values: list[bytes | None]) -> None:
    made = list(binary.uuids(values))
    assert made == [
        binary.field(UUID(value.decode()).bytes) if value else b"\xff\xff\xff\xff"
        for value in values
    ]
