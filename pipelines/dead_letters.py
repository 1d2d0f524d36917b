"""Reading ``lms.dead-letters``: each refused message once, whoever refused it first."""

from __future__ import annotations

from contextlib import closing

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from pydantic import ValidationError

from contracts.dead_letters import DeadLetter
from contracts.errors import Retryable
from contracts.topics import DEAD_LETTERS
from stack import kafka

_QUIET_S = 10.0
"""Kafka has stopped answering when nothing comes for this long before the end."""


def letters() -> list[DeadLetter]:
    """Every dead letter up to now, oldest refusal first; raises ``Retryable`` without Kafka."""
    first: dict[str, DeadLetter] = {}
    for letter in sorted(_all(), key=lambda letter: letter.failed_at):
        first.setdefault(letter.message_key, letter)
    return list(first.values())


def _all() -> list[DeadLetter]:
    with closing(kafka.consumer("dead-letters", **{"enable.partition.eof": True})) as consumer:
        try:
            topic = consumer.list_topics(DEAD_LETTERS.name, timeout=10).topics[DEAD_LETTERS.name]
        except KafkaException as error:
            raise Retryable(f"Kafka does not answer: {error}") from error
        unread = set(topic.partitions)
        consumer.assign([TopicPartition(DEAD_LETTERS.name, number, 0) for number in unread])
        found: list[DeadLetter] = []
        while unread:
            messages = consumer.consume(1000, timeout=_QUIET_S)
            if not messages:
                raise Retryable("Kafka stopped answering while dead letters were read")
            for message in messages:
                problem = message.error()
                if problem is not None and problem.code() != KafkaError._PARTITION_EOF:
                    raise Retryable(f"Kafka cannot be read: {problem.str()}")
                if problem is not None:
                    unread.discard(message.partition() or 0)
                    continue
                try:
                    found.append(DeadLetter.model_validate_json(message.value() or b""))
                except ValidationError:
                    continue  # not a letter of ours; somebody wrote here by hand
        return found
