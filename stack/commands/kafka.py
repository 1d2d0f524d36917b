"""List Kafka's topics, or print one as text."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from contracts.errors import Retryable
from stack import kafka, principals
from stack.kafka import KafkaSettings

GROUP = "data"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("topic", nargs="?", help="like lms.content.events")
    parser.add_argument("-n", "--messages", type=int, default=20, help="the newest (default 20)")
    parser.add_argument("--all", action="store_true", help="every message that is kept")
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what arrives")
    parser.add_argument(
        "--as",
        dest="principal",
        choices=principals.PRINCIPALS,
        default=principals.READER,
        help="as whom (default: who may read every topic and write none)",
    )


def run(args: argparse.Namespace) -> int:
    with closing(_client(args.principal)) as client:
        if args.topic is None:
            return _list(client)
        starts = _starts(client, args.topic, None if args.all else max(0, args.messages))
    ends = dict(starts)
    try:
        for message in _newest(starts, args):
            _print(message)
            ends[args.topic, message.partition() or 0] = (message.offset() or 0) + 1
        if args.follow:
            _follow(ends, args.principal)
    except KafkaException as error:
        raise Retryable(f"{args.topic} cannot be read: {error.args[0].str()}") from error
    return 0


def _client(principal: str) -> Consumer:
    settings = KafkaSettings().client(principal)
    return kafka.consumer("remaining", **settings, log_level=3)


def _list(client: Consumer) -> int:
    try:
        topics = client.list_topics(timeout=kafka.SILENCE_S).topics
    except KafkaException as error:
        raise Retryable(f"Kafka does not answer ({KafkaSettings().bootstrap_servers})") from error
    for name, topic in sorted(topics.items()):
        sys.stdout.write(f"{name:<28}{len(topic.partitions):>4} partitions\n")
    return 0


def _starts(client: Consumer, topic: str, most: int | None) -> dict[kafka.Place, int]:
    """Where each partition is to be read from, so that its newest ``most`` are among it."""
    found = {}
    for place in kafka.places(topic, client=client):
        bounds = client.get_watermark_offsets(TopicPartition(*place), timeout=kafka.SILENCE_S)
        if bounds is None:
            raise Retryable(f"Kafka does not give the offsets of {topic}")
        low, high = bounds
        found[place] = low if most is None else max(low, high - most)
    return found


def _newest(starts: dict[kafka.Place, int], args: argparse.Namespace) -> Iterator[Message]:
    """In the order of their arrival; all of them come as they are read, partition by partition."""
    lists = kafka.remaining(starts, principal=args.principal)
    if args.all:
        for messages in lists:
            yield from messages
        return
    found = [message for messages in lists for message in messages]
    found.sort(key=lambda message: message.timestamp()[1])
    yield from found[len(found) - min(len(found), args.messages) :]


def _follow(starts: dict[kafka.Place, int], principal: str) -> None:
    """Until Ctrl-C."""
    with closing(_client(principal)) as client:
        client.assign([TopicPartition(*place, offset) for place, offset in starts.items()])
        with suppress(KeyboardInterrupt):
            while True:
                message = client.poll(1.0)
                if message is None:
                    continue
                problem = message.error()
                if problem is not None and not problem.retriable():
                    raise KafkaException(problem)
                if problem is None:
                    _print(message)


def _print(message: Message) -> None:
    at = datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC).isoformat(" ", "milliseconds")
    key, value = (_text(part) for part in (message.key(), message.value()))
    sys.stdout.write(f"{message.partition()}/{message.offset()}  {at}  {key}  {value}\n")
    sys.stdout.flush()


def _text(content: str | bytes | None) -> str:
    """What cannot be shown is escaped: a message shall not write to the terminal."""
    if content is None:
        return "-"
    text = content if isinstance(content, str) else content.decode("utf-8", "backslashreplace")
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
