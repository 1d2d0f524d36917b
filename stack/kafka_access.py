"""Who may do what in Kafka: one declaration, made true on the brokers and printed in the docs.

Whoever stands in ``GRANTS`` has a SCRAM credential; nobody else can even connect. A topic, group or
transactional id that is not granted is refused, and nothing is allowed where no rule is. ``READ``
and ``WRITE`` contain ``DESCRIBE``. The operator, and the broker itself, may do everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
)
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from confluent_kafka.admin._scram import (
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from contracts.errors import Retryable
from contracts.topics import (
    COURSES,
    DEAD_LETTERS,
    DUPLICATES,
    EVENT_TOPICS,
    FEATURES,
    HEARTBEATS,
    LIVE,
    LMS_TOPICS,
    RECOMMENDATIONS,
    TOPICS,
    USERS,
    Topic,
)
from stack import kafka, principals
from stack.kafka import KafkaSettings

ITERATIONS = 4096
"""Of SCRAM: the least that Kafka takes. Passwords are random, so more would only cost CPU."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Operations on one resource, or with ``prefix`` on all whose name begins so."""

    kind: ResourceType
    name: str
    operations: tuple[AclOperation, ...]
    prefix: bool = False

    def bindings(self, principal: str) -> Iterator[AclBinding]:
        pattern = ResourcePatternType.PREFIXED if self.prefix else ResourcePatternType.LITERAL
        for operation in self.operations:
            yield AclBinding(
                self.kind,
                self.name,
                pattern,
                f"User:{principal}",
                "*",
                operation,
                AclPermissionType.ALLOW,
            )


def _topics(operation: AclOperation) -> Callable[..., tuple[Grant, ...]]:
    def grants(*topics: Topic) -> tuple[Grant, ...]:
        return tuple(Grant(ResourceType.TOPIC, topic.name, (operation,)) for topic in topics)

    return grants


_reads = _topics(AclOperation.READ)
_writes = _topics(AclOperation.WRITE)
_describes = _topics(AclOperation.DESCRIBE)


def _group(name: str, *, prefix: bool = False) -> tuple[Grant, ...]:
    return (Grant(ResourceType.GROUP, name, (AclOperation.READ,), prefix),)


_OUTBOX = "learnstream-outbox-"
_REMAINING = _group("remaining")
"""What ``kafka.remaining`` reads as."""

GRANTS: Mapping[str, tuple[Grant, ...]] = {
    "relay": (
        *_writes(*LMS_TOPICS, HEARTBEATS),
        # The number of the batch is an offset of this topic's first partition.
        *_reads(LMS_TOPICS[0]),
        *_group(_OUTBOX, prefix=True),
        Grant(ResourceType.TRANSACTIONAL_ID, _OUTBOX, (AclOperation.WRITE,), prefix=True),
    ),
    "inbox": (*_reads(*EVENT_TOPICS), *_group("lms-inbox-", prefix=True)),
    "archive": (
        *_reads(*EVENT_TOPICS, HEARTBEATS, DEAD_LETTERS, DUPLICATES),
        *_writes(DEAD_LETTERS, DUPLICATES),
        *_group("archive"),
        *_group("duplicates"),
        *_REMAINING,
    ),
    "derive": _writes(FEATURES),
    "features": (
        *_reads(FEATURES, USERS),
        *_writes(DEAD_LETTERS),
        *_group("feature-push"),
    ),
    "live": (*_reads(FEATURES, LIVE), *_group("live")),
    "flink": (*_reads(*EVENT_TOPICS, DUPLICATES), *_writes(FEATURES, LIVE), *_group("flink")),
    "monitor": (
        *_reads(DEAD_LETTERS),
        *_describes(*EVENT_TOPICS, FEATURES, LIVE),
        *_group("monitor"),
        Grant(ResourceType.GROUP, "feature-push", (AclOperation.DESCRIBE,)),
        Grant(ResourceType.GROUP, "live", (AclOperation.DESCRIBE,)),
    ),
    "serving": (
        *_writes(RECOMMENDATIONS),
        *_reads(COURSES, USERS),
        *_group("serving-", prefix=True),
    ),
    principals.READER: (*_reads(*TOPICS), *_REMAINING),
}


def table() -> str:
    """The declaration as a table in Markdown."""
    lines = ["| principal | may | on |", "| --- | --- | --- |"]
    for principal, grants in GRANTS.items():
        by_right: dict[tuple[str, str], list[str]] = {}
        for grant in grants:
            for operation in grant.operations:
                right = (operation.name.lower(), grant.kind.name.lower().replace("_", " "))
                by_right.setdefault(right, []).append(f"`{grant.name}{'*' * grant.prefix}`")
        for (operation_name, kind), names in by_right.items():
            what = kind if len(names) == 1 else f"{kind}s"
            lines.append(f"| {principal} | {operation_name} | {what} {', '.join(names)} |")
    lines.append(f"| {principals.OPERATOR} | everything | the whole cluster |")
    return "\n".join(lines) + "\n"


def ensure(
    settings: KafkaSettings | None = None, *, renew: bool = False, timeout_s: float = 30.0
) -> None:
    """Give every principal its credential and exactly the rights of ``GRANTS``.

    ``renew`` sets the passwords of those that have one already, too. Nothing is done where the
    brokers ask for no login, or where ``LMS_KAFKA_ACCESS`` is ``given``. Raises ``Retryable``
    where Kafka does not do it.
    """
    known = settings or KafkaSettings()
    if not known.authenticates or known.access == "given":
        return
    client = kafka.admin(known)
    try:
        _credentials(client, renew, timeout_s)
        _rules(client, timeout_s)
    except KafkaException as error:
        raise Retryable(f"Kafka does not take principals and their rights: {error}") from error


def _credentials(client: AdminClient, renew: bool, timeout_s: float) -> None:
    wanted = [principals.OPERATOR, *GRANTS]
    described = cast("Any", client.describe_user_scram_credentials()).result(timeout_s)
    missing = [name for name in wanted if renew or name not in described]
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
    changes: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(name, info, principals.password(name).encode())
        for name in missing
    ]
    for future in client.alter_user_scram_credentials(changes).values() if changes else ():
        future.result(timeout_s)


def _rules(client: AdminClient, timeout_s: float) -> None:
    any_: Any = None
    everything = AclBindingFilter(
        ResourceType.ANY,
        any_,
        ResourcePatternType.ANY,
        any_,
        any_,
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    there = set(client.describe_acls(everything).result(timeout_s))
    wanted = {
        binding
        for principal, grants in GRANTS.items()
        for grant in grants
        for binding in grant.bindings(principal)
    }
    ours = {f"User:{name}" for name in principals.PRINCIPALS}
    missing = sorted(wanted - there, key=str)
    for created in client.create_acls(missing).values() if missing else ():
        created.result(timeout_s)
    surplus = [binding for binding in there - wanted if binding.principal in ours]
    filters = [
        AclBindingFilter(
            one.restype,
            one.name,
            one.resource_pattern_type,
            one.principal,
            one.host,
            one.operation,
            one.permission_type,
        )
        for one in surplus
    ]
    for deleted in client.delete_acls(filters).values() if filters else ():
        deleted.result(timeout_s)
