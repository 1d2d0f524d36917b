"""Repairing dead letters: the message made right is published in its place, once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import KafkaException, Producer

from contracts.dead_letters import DeadLetter, Resolution
from contracts.envelope import Envelope, decode
from contracts.errors import Rejected, Retryable
from contracts.topics import DEAD_LETTERS, EVENT_TOPICS
from pipelines.dead_letters import Mailbox, read
from stack import kafka

_CALL_S = 30.0


def repaired(
    letter: DeadLetter, changes: Sequence[Mapping[str, Any]] = (), instead: bytes | None = None
) -> Envelope:
    """The event that takes the letter's place: its document, or ``instead``, with ``changes``.

    Each change is a JSON Merge Patch (RFC 7396). Nothing is guessed: raises ``Rejected`` with what
    is still wrong. Without a change it is what a newer contract may have learned to read.
    """
    if letter.topic not in {topic.name for topic in EVENT_TOPICS}:
        raise Rejected(
            f"{letter.message_key} is no event but made from events: fix its maker and rebuild, "
            "then discard the letter",
            key=letter.message_key,
        )
    message = letter.message if instead is None else instead
    if changes:
        try:
            document = json.loads(message)
        except (ValueError, RecursionError):
            raise Rejected(
                f"{letter.message_key} is no JSON document that could be changed: give the whole "
                "message with --with FILE",
                key=letter.message_key,
            ) from None
        for change in changes:
            document = merged(document, change)
        message = json.dumps(document).encode()
    try:
        return decode(letter.topic, message)
    except Rejected as error:
        raise Rejected(
            f"{letter.message_key} is still refused ({error.message}): change it with --set or "
            "--merge, replace it with --with, or discard it",
            key=letter.message_key,
            reason=error.reason,
        ) from None


def merged(document: Any, patch: Any) -> Any:
    """``document`` after a JSON Merge Patch (RFC 7396 §2); null removes a member."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(document) if isinstance(document, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def change_of(assignment: str) -> dict[str, Any]:
    """``payload.clicks=3`` as a merge patch; a value that is no JSON is a text."""
    path, equals, text = assignment.partition("=")
    if not equals or not all(path.split(".")):
        raise Rejected(f"--set {assignment}: write it like --set payload.clicks=3")
    try:
        value: Any = json.loads(text)
    except ValueError:
        value = text
    for name in reversed(path.split(".")):
        value = {name: value}
    return dict(value)


class Desk:
    """Resolves letters, one process at a time: opening a desk fences off the one before."""

    def __init__(self) -> None:
        self._producer: Producer = kafka.producer(**{"transactional.id": "dead-letters"})
        self._call(self._producer.init_transactions, _CALL_S)
        # Read after the others are fenced off: what is open now stays open until we resolve it.
        self.mailbox: Mailbox = read()

    def resolve(
        self, resolved: Sequence[tuple[DeadLetter, Envelope | None]], note: str = ""
    ) -> None:
        """Publish each repaired event (None: discarded) with its resolution, all or nothing.

        Raises ``Rejected`` for a letter that was resolved before.
        """
        for letter, _ in resolved:
            known = self.mailbox.resolutions.get(letter.message_key)
            if known is not None:
                raise Rejected(
                    f"{letter.message_key} was {known.resolution} at {known.resolved_at}",
                    key=letter.message_key,
                )
        now = datetime.now(UTC)
        self._call(self._producer.begin_transaction)
        for letter, envelope in resolved:
            if envelope is not None:
                self._producer.produce(letter.topic, envelope.encode(), envelope.key)
            resolution = Resolution(
                resolution="discarded" if envelope is None else "replayed",
                topic=letter.topic,
                partition=letter.partition,
                offset=letter.offset,
                resolved_at=now,
                event_id=None if envelope is None else envelope.event_id,
                note=note,
            )
            self._producer.produce(
                DEAD_LETTERS.name,
                resolution.model_dump_json().encode(),
                letter.message_key,
            )
            self._producer.poll(0)
        self._call(self._producer.commit_transaction, _CALL_S)

    def _call(self, call: Callable[..., Any], *args: Any) -> None:
        try:
            call(*args)
        except KafkaException as error:
            raise Retryable(
                f"Kafka did not take it, nothing was published: {error}; run it again"
            ) from error
