"""Kafka: its settings and how a client of ours is made."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any, Literal

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.cimpl import NewTopic
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.errors import Misconfigured, Retryable
from contracts.topics import DUPLICATES, TOPICS, Topic
from stack import principals, tls
from stack.profile import profile

Place = tuple[str, int]
"""Topic and partition."""

SEGMENT = timedelta(days=1)
"""Kafka deletes messages by closed segments: one is closed after so long at the latest."""
SILENCE_S = 30.0
"""A broker that says nothing for so long is away."""


class KafkaSettings(BaseSettings):
    """``LMS_KAFKA_*``; the defaults are the local profile's broker."""

    model_config = SettingsConfigDict(env_prefix="LMS_KAFKA_", frozen=True)

    bootstrap_servers: str = Field(default_factory=lambda: f"127.0.0.1:{profile().port(19092)}")
    partitions: int = 4
    replication_factor: int = 1
    retention_days: int | None = Field(default=7, ge=1)
    """How long topics keep messages; None (``none``): for ever. What was before is in the archive,
    from which everything that begins anew then starts. It is also how long Kafka still holds the
    old id of a person who was erased. At least as long as a consumer may be off."""
    security_protocol: str = "SASL_PLAINTEXT"
    """``SASL_SSL`` where the way to the brokers is not our own machine."""
    sasl_mechanism: str = "SCRAM-SHA-512"
    sasl_username: str | None = None
    """Instead of the name of the principal."""
    sasl_password: str | None = None
    """Instead of the principal's password (``stack.principals``)."""
    access: Literal["managed", "given"] = "managed"
    """``given``: who runs the cluster makes its principals and their rights, not ``setup``."""

    @field_validator("security_protocol")
    @classmethod
    def _encrypted(cls, protocol: str) -> str:
        return tls.kafka_protocol(protocol)

    @property
    def authenticates(self) -> bool:
        return self.security_protocol.startswith("SASL")

    def login(self, principal: str | None = None) -> tuple[str, str]:
        """Username and password of ``principal``, or of this process."""
        name = principal or principals.current()
        return self.sasl_username or name, self.sasl_password or principals.password(name)

    @field_validator("retention_days", mode="before")
    @classmethod
    def _for_ever(cls, value: object) -> object:
        return None if value in ("none", "") else value

    def kept_for(self) -> timedelta | None:
        """After so long Kafka has let go of a message for certain; None: never.

        It deletes whole segments, and one is closed a day after its first message; the broker looks
        every few minutes; and notes of repeated messages are kept for longer.
        """
        days = self.retention_days
        return None if days is None else timedelta(days=days) + 3 * SEGMENT

    def topic(self, topic: Topic) -> dict[str, str]:
        """The topic's settings: its contract's, and how long it is kept."""
        if "cleanup.policy" in topic.config:
            return dict(topic.config)
        kept_ms = -1
        if self.retention_days is not None:
            # What takes a repeated message back outlives the message.
            longer = SEGMENT if topic.name == DUPLICATES.name else timedelta()
            kept = timedelta(days=self.retention_days) + longer
            kept_ms = int(kept.total_seconds() * 1000)
        return {
            "retention.ms": str(kept_ms),
            "segment.ms": str(int(SEGMENT.total_seconds() * 1000)),
            **topic.config,
        }

    def client(self, principal: str | None = None) -> dict[str, Any]:
        """The settings every librdkafka client shares, as ``principal`` or as this process."""
        conf: dict[str, Any] = {
            "bootstrap.servers": self.bootstrap_servers,
            # A broker that was restarted is found again within a second, not within ten.
            "reconnect.backoff.max.ms": 1000,
            "security.protocol": self.security_protocol,
            **tls.librdkafka(),
        }
        if self.authenticates:
            username, password = self.login(principal)
            conf |= {
                "sasl.mechanism": self.sasl_mechanism,
                "sasl.username": username,
                "sasl.password": password,
            }
        return conf


def quoted(secret: str) -> str:
    """A password as a value of JAAS; raises ``Misconfigured`` for one that JAAS would cut."""
    if not secret.isprintable() or set(secret) & set('"\\'):
        raise Misconfigured("a password for Kafka holds no quotes, backslashes or line breaks")
    return f'"{secret}"'


def producer(**overrides: Any) -> Producer:
    """An idempotent, compressing producer; ``transactional.id`` makes it exactly-once."""
    conf = {
        **KafkaSettings().client(),
        "enable.idempotence": True,
        "acks": "all",
        "compression.type": "lz4",
        "linger.ms": 5,
        **overrides,
    }
    return Producer(conf)


def consumer(group: str, **overrides: Any) -> Consumer:
    """A consumer that sees committed transactions only and commits nothing by itself."""
    conf = {
        **KafkaSettings().client(),
        "group.id": group,
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        **overrides,
    }
    return Consumer(conf)


def places(
    *topics: str, client: Consumer | AdminClient | None = None, timeout_s: float | None = None
) -> list[Place]:
    """Every partition of these topics, asked of ``client`` if there is one already.

    Blocks. Raises ``Retryable`` where Kafka is away or lacks a topic.
    """
    known = _topics(client or admin(), timeout_s or SILENCE_S)
    missing = [topic for topic in topics if topic not in known]
    if missing:
        raise Retryable(f"Kafka has no topic {', '.join(missing)}: run learnstream up")
    return [(topic, number) for topic in topics for number in sorted(known[topic].partitions)]


def _topics(client: Consumer | AdminClient, timeout_s: float) -> Mapping[str, Any]:
    """Their metadata by name."""
    try:
        return client.list_topics(timeout=timeout_s).topics
    except KafkaException as error:
        raise Retryable(f"Kafka does not answer (LMS_KAFKA_BOOTSTRAP_SERVERS): {error}") from error


def remaining(
    starts: Mapping[Place, int], most: int = 10_000, principal: str | None = None
) -> Iterator[list[Message]]:
    """The committed messages from these offsets on, to where each partition ends now.

    They come as lists of at most ``most``, in order within a partition. An offset that is no
    longer kept means the first one that is. Raises ``Retryable`` where Kafka falls silent or
    cannot be read.
    """
    if not starts:
        return
    unread = set(starts)
    settings = {
        **KafkaSettings().client(principal),
        "enable.partition.eof": True,
        "fetch.wait.max.ms": 20,  # the end is an empty answer, which waits for so long
        "queued.max.messages.kbytes": 64 * 1024,
        "log_level": 2,  # its silence is reported by us, once
    }
    with closing(consumer("remaining", **settings)) as reader:
        _topics(reader, SILENCE_S)  # or it looks for the leaders a second later
        reader.assign([TopicPartition(*place, starts[place]) for place in sorted(starts)])
        heard_at = time.monotonic()
        while unread:
            # It waits for a full list as long as it may: a short while, or every end is slow.
            found = reader.consume(most, timeout=0.05)
            if found:
                heard_at = time.monotonic()
            elif time.monotonic() - heard_at > SILENCE_S:
                raise Retryable("Kafka does not answer (LMS_KAFKA_BOOTSTRAP_SERVERS)")
            messages = []
            for message in found:
                problem = message.error()
                if problem is None:
                    messages.append(message)
                elif problem.code() == KafkaError._PARTITION_EOF:
                    unread.discard((message.topic() or "", message.partition() or 0))
                elif not problem.retriable():
                    raise Retryable(f"Kafka cannot be read: {problem.str()}")
            if messages:
                yield messages


def admin(settings: KafkaSettings | None = None, **overrides: Any) -> AdminClient:
    """A client that administers topics; ``overrides`` are librdkafka's settings."""
    # Only warnings: librdkafka reports its own shutdown on the caller's terminal.
    return AdminClient({**(settings or KafkaSettings()).client(), "log_level": 4, **overrides})


def create_topics(timeout_s: float = 30.0, settings: KafkaSettings | None = None) -> list[str]:
    """Create the contract topics that are missing; returns the names created.

    Those that are there get the settings that their contract has now. One that somebody else, or
    an earlier try of the same request, has created meanwhile is there.
    """
    settings = settings or KafkaSettings()
    client = admin(settings)
    existing = set(client.list_topics(timeout=timeout_s).topics)
    created = []
    missing = [
        NewTopic(
            topic.name,
            num_partitions=settings.partitions,
            replication_factor=settings.replication_factor,
            config=settings.topic(topic),
        )
        for topic in TOPICS
        if topic.name not in existing
    ]
    if missing:
        for name, future in client.create_topics(missing, operation_timeout=timeout_s).items():
            try:
                future.result(timeout_s)
            except KafkaException as error:
                # librdkafka repeats a request whose answer was lost: the first one did it.
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise
                existing.add(name)
            else:
                created.append(name)
    _configure(client, [topic for topic in TOPICS if topic.name in existing], timeout_s)
    return created


def _configure(client: AdminClient, topics: Sequence[Topic], timeout_s: float) -> None:
    """What a topic was made with years ago becomes what its contract says now."""
    settings = KafkaSettings()
    wanted = {topic.name: settings.topic(topic) for topic in topics}
    asked = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in wanted]
    changes = []
    for resource, future in client.describe_configs(asked).items() if asked else ():
        found = future.result(timeout_s)
        different = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            for name, value in wanted[resource.name].items()
            if found[name].value != value
        ]
        if different:
            changes.append(
                ConfigResource(
                    ConfigResource.Type.TOPIC, resource.name, incremental_configs=different
                )
            )
    for future in client.incremental_alter_configs(changes).values() if changes else ():
        future.result(timeout_s)
