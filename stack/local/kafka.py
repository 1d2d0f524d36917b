"""Kafka: one broker that is its own controller (KRaft), from Maven's jars."""

from __future__ import annotations

import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from confluent_kafka import KafkaException

from contracts.errors import Retryable
from stack import kafka_access, principals, tls
from stack.kafka import KafkaSettings, admin, create_topics, quoted
from stack.local import maven
from stack.local.component import Component, Launch, write_private
from stack.local.installed import Progress
from stack.local.java import COMPILE_LATER, java
from stack.profile import profile

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=CLIENTS://127.0.0.1:{port}
listener.security.protocol.map=CLIENTS:{protocol},CONTROLLER:{protocol}
inter.broker.listener.name=CLIENTS
controller.listener.names=CONTROLLER
# Principals log in with SCRAM (`stack/kafka_access.py`). PLAIN knows the broker alone: it needs no
# credential in Kafka's own data, so it works before there is one, and data of before can be kept.
sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
sasl.mechanism.controller.protocol=PLAIN
listener.name.clients.scram-sha-512.sasl.jaas.config={scram} required;
listener.name.clients.plain.sasl.jaas.config={broker}
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config={broker}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:{itself};User:{operator}
controller.quorum.voters=1@127.0.0.1:{controller_port}
log.dirs={data}
# A topic is created on purpose (`contracts/topics.py`), never by a misspelt name.
auto.create.topics.enable=false
delete.topic.enable=true
num.partitions=4
log.retention.ms=-1
# One broker: its internal topics cannot have three copies, and few partitions start quicker.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
# A killed relay's open transaction hides what follows it until it is aborted: look often.
transaction.max.timeout.ms=900000
transaction.abort.timed.out.transaction.cleanup.interval.ms=5000
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=33554432
"""

_TLS = """\
ssl.keystore.type=PEM
ssl.keystore.location={leaf}
ssl.truststore.type=PEM
ssl.truststore.location={authority}
ssl.protocol=TLSv1.3
ssl.enabled.protocols=TLSv1.3
"""

_LOG4J = """\
status = warn
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss,SSSX}{UTC} %p %c{1}: %m%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
logger.quiet.name = org.apache.kafka.common
logger.quiet.level = warn
logger.values.name = kafka.server.KafkaConfig
logger.values.level = warn
"""


ITSELF = "kafka"
"""The broker's own principal: to its controller, to itself, and to whoever sets it up."""

_MODULES = "org.apache.kafka.common.security"


def itself() -> KafkaSettings:
    """How the broker logs in."""
    return KafkaSettings(
        bootstrap_servers=f"127.0.0.1:{profile().port(19092)}",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username=ITSELF,
        sasl_password=principals.password(ITSELF),
    )


class Kafka(Component):
    """Broker and controller in one JVM."""

    name: ClassVar[str] = "kafka"
    stop_order: ClassVar[int] = 2

    def is_installed(self) -> bool:
        return maven.are_there("kafka")

    def install(self, progress: Progress) -> None:
        maven.jars("kafka", progress)

    def prepare(self) -> None:
        self.conf.mkdir(parents=True, exist_ok=True)
        self.data.mkdir(parents=True, exist_ok=True)
        port, controller_port = self.ports()
        secret = quoted(principals.password(ITSELF))
        login = f'username="{ITSELF}" password={secret} user_{ITSELF}={secret}'
        write_private(
            self._properties,
            _PROPERTIES.format(
                protocol=tls.kafka_protocol("SASL_PLAINTEXT"),
                port=port,
                controller_port=controller_port,
                data=_escaped(self.data),
                scram=f"{_MODULES}.scram.ScramLoginModule",
                broker=f"{_MODULES}.plain.PlainLoginModule required {login};",
                itself=ITSELF,
                operator=principals.OPERATOR,
            )
            + self._encryption(),
        )
        (self.conf / "log4j2.properties").write_text(_LOG4J)
        if not (self.data / "meta.properties").exists():
            self._format()

    def _encryption(self) -> str:
        if not tls.on("kafka"):
            return ""
        leaf, authority = self.certificate, tls.folder() / "ca.pem"
        return _TLS.format(leaf=_escaped(leaf), authority=_escaped(authority))

    def _format(self) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # With "=": an id may begin with a dash.
        options = ["format", "--ignore-formatted", f"--cluster-id={cluster}"]
        options += [f"--config={self._properties}"]
        done = subprocess.run(
            [*self._java(128, "-XX:TieredStopAtLevel=1"), "kafka.tools.StorageTool", *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise Retryable(
                f"Kafka cannot format {self.data}: {(done.stderr or done.stdout)[-500:]}"
            )

    def launch(self) -> Launch:
        return Launch([*self._java(512), "kafka.Kafka", self._properties])

    def _java(self, heap_mb: int, *more: str) -> list[str]:
        return [
            java(),
            f"-Xmx{heap_mb}m",
            f"-Xms{min(heap_mb, 256)}m",
            "-XX:+UseG1GC",
            "-XX:MaxGCPauseMillis=20",
            COMPILE_LATER,
            "-XX:+ExitOnOutOfMemoryError",
            "-Duser.timezone=UTC",
            *more,
            f"-Dlog4j2.configurationFile={(self.conf / 'log4j2.properties').as_uri()}",
            "-cp",
            f"{profile().programs / 'jars' / 'kafka'}/*",
        ]

    def ready(self) -> bool:
        client = admin(itself(), log_level=0)
        try:
            return bool(client.list_topics(timeout=2).brokers)
        except KafkaException:
            return False

    def once_ready(self) -> None:
        kafka_access.ensure(itself(), renew=True)
        create_topics(settings=itself())

    def ports(self) -> Sequence[int]:
        return profile().port(19092), profile().port(19093)

    def address(self) -> str:
        return f"127.0.0.1:{self.ports()[0]}"

    def version(self) -> str:
        return maven.version("kafka", "kafka-server")

    @property
    def _properties(self) -> Path:
        return self.conf / "server.properties"


def _escaped(path: Path) -> str:
    """In a properties file a backslash escapes; a folder's name may hold one."""
    return str(path).replace("\\", "\\\\")
