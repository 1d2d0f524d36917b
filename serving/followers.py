"""Background tasks: they follow the catalogue and the index."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable

import redis.exceptions
from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicPartition

from contracts.envelope import decode
from contracts.errors import LearnstreamError, Rejected
from contracts.topics import COURSES
from serving.catalogue import Catalogue
from serving.lms import Lms
from serving.semantic import SemanticIndex
from stack import kafka

log = logging.getLogger("serving")

_GROUP = "serving-catalogue"  # no offsets are kept: each process reads from now on
_RETRY_S = 2.0


async def every(seconds: float, step: Callable[[], Awaitable[object]], what: str) -> None:
    """Call ``step`` for ever; a failure is logged once and tried again."""
    failing = False
    while True:
        try:
            await step()
            failing = False
        except (LearnstreamError, redis.exceptions.RedisError, OSError) as error:
            if not failing:
                log.warning("%s: %s", what, error)
            failing = True
        except Exception:  # a defect must not stop the task
            log.exception("%s failed", what)
            failing = True
        await asyncio.sleep(min(seconds, _RETRY_S) if failing else seconds)


class CatalogueFollower:
    """Keeps catalogue and semantic index as the LMS has them: on events, and in full at times."""

    def __init__(
        self, catalogue: Catalogue, lms: Lms, index: SemanticIndex, refresh_s: float
    ) -> None:
        self._catalogue = catalogue
        self._lms = lms
        self._index = index
        self._refresh_s = refresh_s
        self._changed: asyncio.Queue[str] = asyncio.Queue()
        self._to_index = asyncio.Event()
        self._stop = threading.Event()

    async def refresh(self) -> None:
        """Everything, from the LMS; from the copy on disk while it is away at the start."""
        try:
            changed = await self._catalogue.refresh(self._lms)
        except LearnstreamError:
            if self._catalogue.restore():
                self._to_index.set()
            raise
        if changed:
            log.info(
                "catalogue: %d courses, %d items",
                len(self._catalogue.courses),
                len(self._catalogue.items),
            )
            self._to_index.set()

    async def follow(self) -> None:
        """Refresh the courses that events name, each once per burst."""
        loop = asyncio.get_running_loop()
        thread = threading.Thread(target=self._listen, args=(loop,), daemon=True)
        thread.start()
        try:
            while True:
                named = {await self._changed.get()}
                await asyncio.sleep(0.1)  # an import changes a course many times in a row
                while not self._changed.empty():
                    named.add(self._changed.get_nowait())
                for course_id in named:
                    try:
                        if await self._catalogue.refresh_course(self._lms, course_id):
                            self._to_index.set()
                    except Exception as error:
                        log.warning(
                            "course %s not refreshed yet: %s",
                            course_id,
                            error,
                            exc_info=not _expected(error),
                        )
        finally:
            self._stop.set()

    async def index(self) -> None:
        """Bring the semantic index to the catalogue whenever that changed."""
        self._to_index.set()
        while True:
            await self._to_index.wait()
            self._to_index.clear()
            try:
                await self._index.open()
                if changed := await self._index.sync(list(self._catalogue.items.values())):
                    log.info("semantic index: %d changed, %d items", changed, self._index.size)
            except Exception as error:
                log.warning("semantic index: %s", error, exc_info=not _expected(error))
                await asyncio.sleep(_RETRY_S)
                self._to_index.set()

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._stop.is_set():
            consumer = kafka.consumer(_GROUP)
            try:
                self._consume(consumer, loop)
            except KafkaException as error:
                log.warning("course events: %s", error)
                self._stop.wait(_RETRY_S)
            finally:
                consumer.close()

    def _consume(self, consumer: Consumer, loop: asyncio.AbstractEventLoop) -> None:
        topic = consumer.list_topics(COURSES.name, timeout=10).topics[COURSES.name]
        consumer.assign([TopicPartition(topic.topic, p, OFFSET_END) for p in topic.partitions])
        while not self._stop.is_set():
            message = consumer.poll(0.5)
            if message is None:
                continue
            if error := message.error():
                raise KafkaException(error)
            try:
                course_id = decode(COURSES.name, message.value()).key
            except Rejected:
                continue  # the archive makes it a dead letter; nothing changed here
            loop.call_soon_threadsafe(self._changed.put_nowait, course_id)


def _expected(error: Exception) -> bool:
    return isinstance(error, LearnstreamError)
