"""The quick way of reading a message takes only what the thorough way takes, for the same row."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope import ENVELOPES, decode
from contracts.errors import Rejected
from contracts.event import EVENTS
from contracts.fixtures import example_envelope
from pipelines.archive.rows import Batch

AT = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
THOROUGH = {"recommendation.shown"}
"""Events with lists: no pattern describes them."""
SPLICES = ["", '"', "\\", "\t", "\n", "null", "0", "9", "-", ".", "Z", "e1", "true", "é", " ", ","]


def quick(topic: str, message: bytes) -> Batch | None:
    batch = Batch(at=AT)
    return batch if batch.take(topic, message) else None


def thorough(topic: str, message: bytes) -> Batch:
    batch = Batch(at=AT)
    batch.add(decode(topic, message))
    return batch


@pytest.mark.parametrize("event_type", sorted(EVENTS))
def test_an_event_as_it_is_encoded_is_read_the_quick_way_for_the_same_row(event_type: str) -> None:
    topic = EVENTS[event_type].TOPIC.name
    for number in range(20):
        message = example_envelope(event_type, number).encode()
        found = quick(topic, message)
        assert (found is None) == (event_type in THOROUGH), message
        assert found is None or found == thorough(topic, message)


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(st.data())
def test_whatever_the_quick_way_takes_the_thorough_way_takes_for_the_same_row(
    data: st.DataObject,
) -> None:
    """Messages with one part replaced: most are wrong now, some still right."""
    event_type = data.draw(st.sampled_from(sorted(ENVELOPES)))
    text = example_envelope(event_type, data.draw(st.integers(0, 40))).encode().decode()
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start, min(len(text), start + 3)))
    piece = data.draw(st.sampled_from(SPLICES) | st.text("0123456789abcdef-:.TZ", max_size=3))
    message = (text[:start] + piece + text[end:]).encode()
    _agree(EVENTS[event_type].TOPIC.name, message)


@settings(max_examples=600, deadline=None, derandomize=True)
@given(st.data())
def test_every_value_of_a_field_is_read_alike(data: st.DataObject) -> None:
    """Whole values of a field replaced by others of JSON, and moments by others."""
    event_type = data.draw(st.sampled_from(sorted(ENVELOPES)))
    message = json.loads(example_envelope(event_type, 1).encode())
    place = data.draw(st.sampled_from([message, message["payload"]]))
    field = data.draw(st.sampled_from(sorted(place)))
    numbers = st.integers(-2, 2**33) | st.floats(-1, 1e8) | st.sampled_from([1e-5, 1e-4, 1.5, 1e16])
    moments = st.datetimes(timezones=st.just(UTC)).map(
        lambda at: at.isoformat().replace("+00:00", "Z")
    )
    place[field] = data.draw(
        numbers | moments | st.none() | st.booleans() | st.text(max_size=4) | st.just("2026-02-29")
    )
    text = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
    _agree(EVENTS[event_type].TOPIC.name, text.encode("utf-8", "surrogatepass"))


def _agree(topic: str, message: bytes) -> None:
    found = quick(topic, message)
    try:
        expected = thorough(topic, message)
    except Rejected:
        assert found is None, message
    else:
        assert found is None or found == expected, message
