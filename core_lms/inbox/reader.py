"""The loop of one consumer: batch by batch from Kafka, from where Postgres says it stands.

Kafka's own group offsets are not used and nobody joins the group: whatever dies, the position in
Postgres records what has been applied. Two processes may run the same consumer; the lock on the
position lets one of them apply a batch, and the other finds it moved.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar, cast

import psycopg
from confluent_kafka import Consumer as KafkaClient
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from contracts.errors import Misconfigured, Retryable
from contracts.history import is_history
from core_lms.inbox import history, metrics, positions
from core_lms.inbox.batches import Batches, Record, is_other
from core_lms.inbox.declarations import Consumer, pause
from core_lms.inbox.failpoint import reached
from core_lms.inbox.settings import InboxSettings
from core_lms.inbox.waits import Partition, Waits
from gateway.telemetry import tracing
from stack import kafka

log = logging.getLogger("core_lms.inbox")

AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.UndefinedTable,  # not migrated yet
    PoolTimeout,
    KafkaException,
    Retryable,
)

Result = TypeVar("Result")

PASS = 20_000
"""Messages that nobody wanted until the position is moved behind them all the same."""


@dataclass(slots=True)
class Read:
    """What was fetched of a partition: the records to apply, and the offset behind the last one."""

    records: list[Record] = field(default_factory=list)
    end: int = 0


class Reader:
    """``run`` returns once ``stop`` is set, after the batch it is in."""

    def __init__(
        self,
        consumer: Consumer,
        pool: AsyncConnectionPool[Any],
        settings: InboxSettings,
        stop: asyncio.Event,
        threads: ThreadPoolExecutor,
    ) -> None:
        self.consumer = consumer
        self.connected = False
        """Whether its session stands: Kafka and Postgres answered last time."""
        self._pool = pool
        self._settings = settings
        self._stop = stop
        self._threads = threads
        self._batches = Batches(consumer, pool, settings)
        self._positions: dict[Partition, int] = {}
        self._passed: dict[Partition, int] = {}
        """How far nothing was wanted beyond the position, which moves with the next event."""
        self._ends: dict[Partition, int] = {}
        """Where nothing more was to be read; the end of a transaction takes an offset too."""
        self._waits = Waits(settings.backoff_min_s, settings.backoff_max_s)
        self._reported = time.monotonic()

    async def run(self) -> None:
        """Raises ``Misconfigured`` where Kafka does not have what comes next."""
        backoff_s = self._settings.backoff_min_s
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                await self._session()
            except AWAY as error:
                if time.monotonic() - started > 30:
                    backoff_s = self._settings.backoff_min_s
                log.warning(
                    "starting over",
                    extra={
                        "consumer": self.consumer.name,
                        "error": type(error).__name__,
                        "detail": _safe(error),
                        "pause_s": backoff_s,
                    },
                )
                await pause(self._stop, backoff_s)
                backoff_s = min(backoff_s * 2, self._settings.backoff_max_s)
            finally:
                self.connected = False

    async def _session(self) -> None:
        """From reading the positions to losing a server; everything known is read anew."""
        client = kafka.consumer(
            f"lms-inbox-{self.consumer.name}",
            **{
                "auto.offset.reset": "error",  # a gap is said, not skipped
                "enable.partition.eof": True,
                "queued.max.messages.kbytes": 8192,
                "fetch.wait.max.ms": 100,
                "log_level": 3,  # we log ourselves what it loses and finds again
            },
        )
        try:
            await self._assign(client)
            reached("assigned")
            self.connected = True
            checked = time.monotonic()
            while not self._stop.is_set():
                self._resume(client)
                for partition, read in (await self._fetch(client)).items():
                    await self._apply(client, partition, read)
                    if self._stop.is_set():
                        break
                self._report(client)
                if time.monotonic() - checked > self._settings.look_for_partitions_s:
                    checked = time.monotonic()
                    asked = partial(kafka.places, *self.consumer.topics, client=client)
                    if set(await self._in_thread(asked)) != set(self._positions):
                        return  # a topic has grown: begin again with all its partitions
        finally:
            await self._in_thread(client.close)

    async def _assign(self, client: KafkaClient) -> None:
        bounds = await self._in_thread(positions.bounds, client, self.consumer)
        registered = await positions.topics(self._pool, self.consumer)
        expired = positions.begins_in_archive(self.consumer, registered, bounds)
        cut = await self._in_thread(history.cut) if expired else None
        self._positions = await positions.read(self._pool, self.consumer, bounds, cut)
        await self._catch_up()
        bounds = await self._in_thread(positions.bounds, client, self.consumer)
        positions.check(self.consumer, self._positions, bounds)
        self._waits.clear()
        self._passed.clear()
        client.assign([TopicPartition(*key, at) for key, at in self._positions.items()])

    async def _catch_up(self) -> None:
        """Apply what the archive has of a topic that began in it; ends where all of it is."""
        while not self._stop.is_set():
            left = await positions.history(self._pool, self.consumer)
            if left is None:
                return
            topic, upto, done = left
            asked = (topic, self.consumer.event_types, upto, done, self._settings.batch)
            found = history.records(*asked)
            while records := await self._in_thread(next, found, None):
                end = records[-1].offset + 1
                outcome = await self._batches.apply(
                    (topic, history.PARTITION), records, records[0].offset, end
                )
                if outcome.next_offset != end:  # it has to wait, or another process was quicker
                    if outcome.blocked is not None:
                        await pause(self._stop, self._settings.backoff_max_s)
                    break
                if self._stop.is_set():
                    return
            else:
                await positions.end_history(self._pool, self.consumer, topic)

    async def _fetch(self, client: KafkaClient) -> dict[Partition, Read]:
        messages: list[Message] = await self._in_thread(client.consume, 1, 0.25)
        if messages:
            rest, wait_s = self._settings.fetch - 1, self._settings.gather_s
            messages += await self._in_thread(client.consume, rest, wait_s)
        found: dict[Partition, Read] = defaultdict(Read)
        wanted, passed = self.consumer.event_types, 0
        for message in messages:
            topic, partition = message.topic() or "", message.partition() or 0
            error = message.error()
            if error is not None:
                if error.code() == KafkaError._PARTITION_EOF:
                    self._ends[topic, partition] = message.offset() or 0
                    continue
                if error.code() == KafkaError._AUTO_OFFSET_RESET:
                    raise Misconfigured(
                        f"the next message of {self.consumer.name} is gone: {error.str()}"
                    )
                raise KafkaException(error)
            offset, value = message.offset() or 0, message.value()
            read = found[topic, partition]
            read.end = offset + 1
            if is_other(value, wanted):
                passed += 1
                continue
            headers = cast("list[tuple[str, bytes | None]] | None", message.headers())
            trace, past = tracing.of_message(headers), is_history(headers)
            read.records.append(Record(topic, partition, offset, value, trace, past))
        if passed:
            metrics.EVENTS.labels(self.consumer.name, "passed").inc(passed)
        if found:
            reached("fetched")
        return found

    async def _apply(self, client: KafkaClient, partition: Partition, read: Read) -> None:
        if partition in self._waits:
            return  # fetched before it was paused; read again when its wait is over
        if not read.records and read.end - self._positions[partition] < PASS:
            self._passed[partition] = read.end
            return
        most = self._settings.batch
        for start in range(0, max(len(read.records), 1), most):
            records = read.records[start : start + most]
            end = read.end if start + most >= len(read.records) else records[-1].offset + 1
            if not await self._transaction(client, partition, records, end):
                return

    async def _transaction(
        self, client: KafkaClient, partition: Partition, records: Sequence[Record], end: int
    ) -> bool:
        """Whether it is for us to go on behind ``end``."""
        known = self._positions[partition]
        with metrics.BATCH_S.labels(self.consumer.name).time():
            outcome = await self._batches.apply(partition, records, known, end)
        self._passed.pop(partition, None)
        if outcome.next_offset != self._positions[partition]:
            self._waits.moved(partition)
        self._positions[partition] = outcome.next_offset
        for name, number in outcome.counts.items():
            metrics.EVENTS.labels(self.consumer.name, name).inc(number)
        if outcome.blocked is not None:
            self._block(client, partition, outcome.blocked)
        elif outcome.late:
            client.seek(TopicPartition(*partition, outcome.next_offset))
        return not outcome.late and outcome.blocked is None

    def _block(self, client: KafkaClient, partition: Partition, why: Exception) -> None:
        """Pause one partition; the others go on."""
        wait_s = self._waits.block(partition, time.monotonic())
        client.pause([TopicPartition(*partition)])
        metrics.RETRIES.labels(self.consumer.name).inc()
        log.warning(
            "event has to wait",
            extra={
                "consumer": self.consumer.name,
                "topic": partition[0],
                "partition": partition[1],
                "offset": self._positions[partition],
                "error": type(why).__name__,
                "detail": _safe(why),
                "pause_s": wait_s,
            },
        )

    def _resume(self, client: KafkaClient) -> None:
        for partition in self._waits.over(time.monotonic()):
            client.seek(TopicPartition(*partition, self._positions[partition]))
            client.resume([TopicPartition(*partition)])

    def _report(self, client: KafkaClient) -> None:
        if time.monotonic() - self._reported < 1.0:
            return
        self._reported = time.monotonic()
        metrics.LAG.labels(self.consumer.name).set(self._lag(client))

    def _lag(self, client: KafkaClient) -> int:
        behind = 0
        for partition, at in self._positions.items():
            bounds = client.get_watermark_offsets(TopicPartition(*partition), cached=True)
            seen = max(at, self._passed.get(partition, 0), self._ends.get(partition, 0))
            behind += max(0, bounds[1] - seen) if bounds else 0
        return behind

    async def _in_thread(self, call: Callable[..., Result], *args: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *args)


def _safe(error: Exception) -> str:
    """The sentence of our own errors and of Kafka's; a database error may quote a row."""
    return str(error) if isinstance(error, Retryable | KafkaException) else ""
