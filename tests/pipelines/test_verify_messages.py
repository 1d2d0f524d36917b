"""What verify takes for an event: never a message that was refused, whenever its letter comes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from contracts.dead_letters import DeadLetter
from contracts.fixtures import example_envelope
from contracts.ids import new_id
from contracts.topics import CONTENT, DEAD_LETTERS
from pipelines.verify.messages import Messages


@pytest.fixture
def messages() -> Iterator[Messages]:
    with duckdb.connect() as db:
        yield Messages(db)


def viewed(**changes: Any) -> bytes:
    document = json.loads(example_envelope("content.viewed").encode())
    document |= {"event_id": new_id()} | {k: v for k, v in changes.items() if k in document}
    document["payload"] |= {k: v for k, v in changes.items() if k not in document}
    return json.dumps(document).encode()


def letter(value: bytes, offset: int) -> bytes:
    found = DeadLetter.of(
        topic=CONTENT.name,
        partition=0,
        offset=offset,
        reason="invalid",
        detail="clicks",
        stage="archive",
        key=None,
        value=value,
    )
    return found.model_dump_json().encode()


def counted(messages: Messages) -> list[int]:
    return [
        messages._db.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # type: ignore[index]
        for name in ("kafka_event", "kafka_payload")
    ]


def test_a_refused_message_that_looks_like_an_event_is_taken_back_when_its_letter_comes(
    messages: Messages,
) -> None:
    wrong, right = viewed(clicks=-1), viewed()
    messages.count(CONTENT.name, [right, wrong, viewed()])
    messages._next[CONTENT.name, 0] = 3
    assert messages.events == 3
    messages.count(DEAD_LETTERS.name, [letter(wrong, 1)])
    messages._apply_letters()
    messages._apply_letters()  # each letter once
    assert (messages.events, counted(messages)) == (2, [2, 0])
    assert (CONTENT.name, 0, 1) in messages._refused


def test_a_letter_about_what_has_not_been_read_only_says_what_to_pass_over(
    messages: Messages,
) -> None:
    messages.count(DEAD_LETTERS.name, [letter(viewed(clicks=-1), 7)])
    messages._apply_letters()
    assert messages._refused == {(CONTENT.name, 0, 7)}
    assert messages.trouble() == f"1 messages in {DEAD_LETTERS.name}"


@pytest.mark.parametrize(
    "changes", [{"event_id": "one"}, {"user_id": "somebody"}, {"timestamp": "yesterday"}]
)
def test_ids_and_moments_that_are_none_are_told_and_the_rest_is_counted(
    messages: Messages, changes: dict[str, str]
) -> None:
    messages.count(CONTENT.name, [viewed(), viewed(**changes), viewed()])
    assert (messages.events, counted(messages)) == (2, [2, 0])
    assert CONTENT.name in str(messages.trouble())
