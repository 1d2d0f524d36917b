"""Dead letters are repaired by an explicit change, and nothing is guessed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts.dead_letters import DeadLetter
from contracts.errors import Rejected
from contracts.fixtures import example_envelope
from contracts.topics import CONTENT, FEATURES
from pipelines.repair import change_of, merged, repaired


def letter(message: bytes, topic: str = CONTENT.name) -> DeadLetter:
    return DeadLetter.of(
        topic=topic,
        partition=0,
        offset=7,
        reason="invalid",
        detail="clicks",
        stage="archive",
        key=None,
        value=message,
    )


def viewed(**changes: Any) -> bytes:
    document = json.loads(example_envelope("content.viewed").encode())
    document["payload"] |= changes
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("document", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ],
)
def test_a_merge_patch_does_what_rfc_7396_says(document: Any, patch: Any, expected: Any) -> None:
    assert merged(document, patch) == expected


def test_a_wrong_value_is_set_right_and_the_rest_stays() -> None:
    broken = letter(viewed(clicks="three"))
    event = repaired(broken, [change_of("payload.clicks=3")])
    assert event.encode() == repaired(letter(viewed(clicks=3))).encode()


def test_what_is_still_wrong_is_refused_with_its_reason() -> None:
    with pytest.raises(Rejected, match=r"still refused .*clicks"):
        repaired(letter(viewed(clicks="three")))
    with pytest.raises(Rejected, match="clicks"):
        repaired(letter(viewed(clicks="three")), [change_of("payload.clicks=-1")])


def test_bytes_that_are_no_document_are_replaced_whole() -> None:
    broken = letter(viewed()[:40])
    with pytest.raises(Rejected, match="--with"):
        repaired(broken, [change_of("payload.clicks=3")])
    assert repaired(broken, instead=viewed(clicks=5)).payload.model_dump()["clicks"] == 5


def test_what_is_made_from_events_is_made_anew_instead() -> None:
    with pytest.raises(Rejected, match="rebuild"):
        repaired(letter(b"{}", FEATURES.name))


@pytest.mark.parametrize("text", ["clicks", "=3", "payload..clicks=3", ".=1"])
def test_a_change_that_names_no_place_is_refused(text: str) -> None:
    with pytest.raises(Rejected, match=r"payload\.clicks=3"):
        change_of(text)


def test_a_value_is_json_or_else_a_text() -> None:
    assert change_of("payload.kind=page") == {"payload": {"kind": "page"}}
    assert change_of("payload.clicks=null") == {"payload": {"clicks": None}}
