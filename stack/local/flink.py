"""A Flink standalone cluster: JobManager and TaskManager, from the jars of the pip package."""

from __future__ import annotations

import json
import os
import re
import shutil
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from contracts.errors import Misconfigured
from stack import keystores, tls
from stack.flink import FlinkSettings
from stack.kafka import KafkaSettings, quoted
from stack.local import authority, classes, maven
from stack.local.component import Component, Launch, private, write_private
from stack.local.installed import Progress
from stack.local.java import COMPILE_LATER, java
from stack.local.probe import http_get
from stack.local.record import recorded
from stack.principals import password
from stack.profile import profile

_LOG4J = """\
status = warn
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss,SSSX}{UTC} %p %c{1}: %m%n%xEx
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
logger.pekko.name = org.apache.pekko
logger.pekko.level = warn
logger.kafka.name = org.apache.kafka
logger.kafka.level = warn
"""


def _home() -> Path:
    spec = find_spec("pyflink")
    if spec is None or spec.origin is None:
        raise Misconfigured("the package apache-flink is missing: start with ./learnstream")
    return Path(spec.origin).parent


def _module_access() -> list[str]:
    """The JVM options Flink itself ships for Java 17 (``env.java.opts.all``)."""
    text = (_home() / "conf" / "config.yaml").read_text(encoding="utf-8")
    return re.findall(r"--add-(?:opens|exports)=\S+", text)


_SHADED = "org.apache.flink.kafka.shaded.org.apache.kafka.common.security"


def _kafka_login() -> str:
    """The principal of all jobs, for the Kafka client in the connector's jar."""
    settings = KafkaSettings()
    kind = "scram.Scram" if settings.sasl_mechanism.startswith("SCRAM") else "plain.Plain"
    username, secret = settings.login("flink")
    return (
        f"KafkaClient {{\n  {_SHADED}.{kind}LoginModule required\n"
        f"  username={quoted(username)}\n  password={quoted(secret)};\n}};\n"
    )


class _FlinkProcess(Component):
    """What both processes share: the programs, the common configuration, the way to start."""

    main_class: ClassVar[str]

    def is_installed(self) -> bool:
        return maven.are_there("flink") and classes.are_there(self.version())

    def install(self, progress: Progress) -> None:
        jars = maven.jars("flink", progress)
        classes.make(self.version(), [_home() / "lib", jars], progress)

    def common(self) -> dict[str, Any]:
        data = self.data
        return {
            "jobmanager.rpc.address": "127.0.0.1",
            "jobmanager.rpc.port": profile().port(16123),
            "jobmanager.bind-host": "127.0.0.1",
            "taskmanager.host": "127.0.0.1",
            "taskmanager.bind-host": "127.0.0.1",
            "rest.address": "127.0.0.1",
            "rest.bind-address": "127.0.0.1",
            "rest.port": profile().port(18081),
            # Jobs come as plans from our own client; nobody uploads a jar to be run, and no web
            # page reads or sends anything (`classes/Gate.java`).
            "web.submit.enable": "false",
            "web.access-control-allow-origin": self.address_of_rest(),
            "learnstream.rest.hosts": ",".join(
                f"{host}:{profile().port(18081)}" for host in ("127.0.0.1", "localhost")
            ),
            "io.tmp.dirs": data / "tmp",
            "blob.storage.directory": data / "blobs",
            # A dead TaskManager is noticed in seconds; a long pause of a busy laptop is not death.
            "heartbeat.interval": "2 s",
            "heartbeat.timeout": "20 s",
            "pekko.ask.timeout": "30 s",
            # What a job gets unless it says otherwise: it goes on after whatever was killed, from
            # its last checkpoint, and leaves that checkpoint behind when the cluster stops.
            "restart-strategy.type": "exponential-delay",
            "restart-strategy.exponential-delay.initial-backoff": "1 s",
            "restart-strategy.exponential-delay.max-backoff": "5 s",
            "restart-strategy.exponential-delay.reset-backoff-threshold": "2 min",
            "execution.checkpointing.storage": "filesystem",
            "execution.checkpointing.dir": FlinkSettings().checkpoint_dir,
            "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
            "execution.checkpointing.num-retained": 2,
            "state.backend.type": "hashmap",
            "parallelism.default": FlinkSettings().parallelism,
            **self._encryption(),
        }

    def _encryption(self) -> dict[str, Any]:
        """REST shows the authority's certificate; the processes know each other by one of their
        own, so that nobody else is let in among them."""
        if not tls.on("flink"):
            return {}
        stores = {"rest": authority.rest_stores(), "internal": authority.flink_stores()}
        found: dict[str, Any] = dict(keystores.PROTOCOL)
        for door, (shown, trusted) in stores.items():
            found |= {
                f"security.ssl.{door}.enabled": "true",
                f"security.ssl.{door}.keystore": shown,
                f"security.ssl.{door}.keystore-type": "PKCS12",
                f"security.ssl.{door}.keystore-password": keystores.password(),
                f"security.ssl.{door}.key-password": keystores.password(),
                f"security.ssl.{door}.truststore": trusted,
                f"security.ssl.{door}.truststore-type": "PKCS12",
                f"security.ssl.{door}.truststore-password": keystores.password(),
            }
        return found

    def prepare(self) -> None:
        self.conf.mkdir(parents=True, exist_ok=True)
        for folder in ("tmp", "blobs", "upload"):
            (self.data / folder).mkdir(parents=True, exist_ok=True)
        private(profile().run / "checkpoints")
        lines = [f"{key}: {_yaml(value)}\n" for key, value in self.configuration().items()]
        write_private(self.conf / "config.yaml", "".join(lines))
        (self.conf / "log4j2.properties").write_text(_LOG4J)
        write_private(self._jaas, _kafka_login())
        # Who connects to PostgreSQL is this process: no table's definition holds the password.
        write_private(self._passfile, f"*:*:*:flink:{password('flink')}\n")

    @property
    def _passfile(self) -> Path:
        return self.conf / "pgpass"

    def configuration(self) -> Mapping[str, Any]:
        return self.common()

    @abstractmethod
    def jvm(self) -> list[str]:
        """Options of the JVM that are this process's own: memory above all."""

    def launch(self) -> Launch:
        options = [
            *self.jvm(),
            *_module_access(),
            "-XX:+UseG1GC",
            "-XX:+ExitOnOutOfMemoryError",
            # The JDBC sink has no zoned timestamp: the JVM's own zone must be UTC.
            "-Duser.timezone=UTC",
            # pgjdbc has no setting for the least version.
            *(["-Djdk.tls.client.protocols=TLSv1.3"] if tls.is_local() else []),
            # Who its jobs are to Kafka stands here alone: no plan, log or page of Flink has it.
            f"-Djava.security.auth.login.config={self._jaas}",
            f"-Dlog4j2.configurationFile={(self.conf / 'log4j2.properties').as_uri()}",
            f"-Dlog4j.configurationFile={(self.conf / 'log4j2.properties').as_uri()}",
        ]
        path = os.pathsep.join(
            [f"{_home() / 'lib'}/*", f"{FlinkSettings().jars}/*", str(classes.folder())]
        )
        program = ["-cp", path, self.main_class, "--configDir", str(self.conf)]
        environment = {"FLINK_CONF_DIR": str(self.conf), "TZ": "UTC"}
        environment["PGPASSFILE"] = str(self._passfile)
        return Launch([java(), *options, *program], environment)

    @staticmethod
    def address_of_rest() -> str:
        return f"{tls.scheme('flink')}://127.0.0.1:{profile().port(18081)}"

    def _get(self, path: str) -> Any:
        """The REST API's answer, or None while it is away."""
        body = http_get(profile().port(18081), path, component="flink")
        return None if body is None else json.loads(body)

    @property
    def _jaas(self) -> Path:
        return self.conf / "jaas.conf"

    def version(self) -> str:
        return version("apache-flink")


class JobManager(_FlinkProcess):
    """Takes jobs over REST and schedules them; standalone, so its jobs end with it."""

    name: ClassVar[str] = "jobmanager"
    # Before the TaskManager: its jobs are suspended with their checkpoint, not failed.
    stop_order: ClassVar[int] = 1
    main_class = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"

    def configuration(self) -> Mapping[str, Any]:
        return {
            **self.common(),
            "web.upload.dir": self.data / "upload",
            "web.tmpdir": self.data / "tmp",
            "cluster.evenly-spread-out-slots": "true",
            # How old may be what REST says of a job: whoever starts or ends one waits for that.
            "web.refresh-interval": "500 ms",
        }

    def jvm(self) -> list[str]:
        # Nothing in it runs often enough to pay for the optimizing compiler: half of its CPU.
        return ["-Xmx640m", "-Xms128m", "-XX:MaxMetaspaceSize=256m", "-XX:TieredStopAtLevel=1"]

    def ready(self) -> bool:
        return self._get("/overview") is not None

    def wipe(self) -> None:
        super().wipe()
        shutil.rmtree(profile().run / "checkpoints", ignore_errors=True)

    def ports(self) -> Sequence[int]:
        return profile().port(18081), profile().port(16123)

    def address(self) -> str:
        return self.address_of_rest()


class TaskManager(_FlinkProcess):
    """Runs the jobs' tasks in eight slots."""

    name: ClassVar[str] = "taskmanager"
    stop_order: ClassVar[int] = 2
    main_class = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"

    def niceness(self) -> int:
        return profile().task_manager_niceness

    def memory_mb(self) -> dict[str, int]:
        """How ``LMS_LOCAL_TASK_MANAGER_MEMORY_MB`` is divided.

        State lives on the heap, so the heap gets what the rest does not need; managed memory is
        for sorts, joins and mini-batches (and RocksDB where a job asks for it).
        """
        total = profile().task_manager_memory_mb
        if total < 1024:
            raise Misconfigured(
                f"LMS_LOCAL_TASK_MANAGER_MEMORY_MB is {total}: a TaskManager needs 1024 or more"
            )
        sizes = {
            "metaspace": min(512, total // 6),
            "overhead": max(128, total // 12),
            "framework_heap": 128,
            "off_heap": 128,
            "network": min(512, max(128, total // 16)),
            "managed": total // 8,
        }
        return sizes | {"task_heap": total - sum(sizes.values())}

    def configuration(self) -> Mapping[str, Any]:
        memory = self.memory_mb()
        return {
            **self.common(),
            "taskmanager.numberOfTaskSlots": 8,
            # The same name after a restart: the JobManager drops the dead one's slots at once.
            "taskmanager.resource-id": self.name,
            "taskmanager.cpu.cores": 8,
            "taskmanager.memory.framework.heap.size": f"{memory['framework_heap']}m",
            "taskmanager.memory.framework.off-heap.size": f"{memory['off_heap']}m",
            "taskmanager.memory.task.heap.size": f"{memory['task_heap']}m",
            "taskmanager.memory.task.off-heap.size": "0m",
            "taskmanager.memory.network.min": f"{memory['network']}m",
            "taskmanager.memory.network.max": f"{memory['network']}m",
            # Counting the archive has many exchanges at once, beside the stream's.
            "taskmanager.network.sort-shuffle.min-buffers": 64,
            "taskmanager.memory.managed.size": f"{memory['managed']}m",
            "taskmanager.memory.jvm-metaspace.size": f"{memory['metaspace']}m",
            "taskmanager.memory.jvm-overhead.min": f"{memory['overhead']}m",
            "taskmanager.memory.jvm-overhead.max": f"{memory['overhead']}m",
        }

    def jvm(self) -> list[str]:
        memory = self.memory_mb()
        heap = memory["framework_heap"] + memory["task_heap"]
        return [
            f"-Xmx{heap}m",
            "-Xms256m",
            f"-XX:MaxDirectMemorySize={memory['off_heap'] + memory['network']}m",
            f"-XX:MaxMetaspaceSize={memory['metaspace']}m",
            COMPILE_LATER,
        ]

    def ready(self) -> bool:
        """Registered with the JobManager by a heartbeat younger than the process itself."""
        record = recorded(self.name)
        listed = self._get("/taskmanagers")
        if record is None or listed is None:
            return False
        started_ms = record.started_at.timestamp() * 1000
        return any(
            one["id"] == self.name and one["timeSinceLastHeartbeat"] > started_ms
            for one in listed["taskmanagers"]
        )

    def ports(self) -> Sequence[int]:
        return ()

    def address(self) -> str:
        return f"{JobManager().address()}/#/task-manager"


def _yaml(value: object) -> str:
    text = str(value)
    return "'" + text.replace("'", "''") + "'" if isinstance(value, str | Path) else text
