"""All consumers and loops of one process, with its health and metrics, until it is stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import uvicorn
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from contracts.errors import Misconfigured, Retryable
from core_lms import services
from core_lms.inbox import confirming, metrics
from core_lms.inbox.declarations import Consumer, Loop, consumers, loops, pause
from core_lms.inbox.reader import Reader
from core_lms.inbox.settings import InboxSettings
from gateway import server
from gateway.app import install
from gateway.operations import NotReady, Ready
from gateway.telemetry import tracing
from stack.http import HttpSettings
from stack.postgres import PostgresSettings, pool

log = logging.getLogger("core_lms.inbox")


def declared(settings: InboxSettings) -> tuple[list[Consumer], list[Loop]]:
    """What this process runs.

    Raises ``Misconfigured`` for a name that nobody has, an event that nobody confirms, and a
    setting that a loop cannot use.
    """
    contexts, only = services.chosen(), settings.chosen_names()
    readers, others = consumers(contexts), loops(contexts)
    unknown = only - {one.name for one in readers} - {one.name for one in others}
    if unknown:
        raise Misconfigured(f"LMS_INBOX_ONLY names {sorted(unknown)}: no consumer or loop has it")
    readers = [one for one in readers if not only or one.name in only]
    confirming.check(readers)
    others = [one for one in others if not only or one.name in only]
    for loop in others:
        loop.check()
    return readers, others


def create_app(
    settings: InboxSettings, readers: Sequence[Consumer], others: Sequence[Loop]
) -> FastAPI:
    """Consumers and loops run as long as the application's lifespan."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        stop = asyncio.Event()
        database = pool(
            PostgresSettings().app_url,
            application_name="learnstream-inbox",
            **tracing.cursor_factory(),
        )
        database.timeout = 10.0
        await database.open(wait=False)
        await database.resize(1, settings.pool_size)
        app.state.pool = database
        with ThreadPoolExecutor(len(readers) + 1, "kafka") as threads:
            app.state.readers = [Reader(one, database, settings, stop, threads) for one in readers]
            tasks = [asyncio.create_task(reader.run()) for reader in app.state.readers]
            tasks += [asyncio.create_task(_keep(one, database, settings, stop)) for one in others]
            watch = asyncio.create_task(_watch(app, tasks))
            names = [one.name for one in readers] + [one.name for one in others]
            log.info("running", extra={"names": names})
            try:
                yield
            finally:
                stop.set()
                watch.cancel()
                await asyncio.gather(*tasks, watch, return_exceptions=True)
                await database.close()

    app = FastAPI(title="Learnstream inbox", openapi_url=None, lifespan=lifespan)
    app.state.failed = None
    install(app, name="inbox", ready=_ready(app))
    return app


def serve(app: FastAPI) -> BaseException | None:
    """Answer health and metrics, and run what the lifespan runs; returns what it failed with."""

    def served(running: uvicorn.Server) -> None:
        app.state.end = lambda: setattr(running, "should_exit", True)

    if not server.run(app, HttpSettings().inbox_port, served=served, log_level="warning"):
        return Retryable("the process could not start: the lines above say why")
    failed: BaseException | None = app.state.failed
    return failed


async def _keep(
    loop: Loop, database: AsyncConnectionPool[Any], settings: InboxSettings, stop: asyncio.Event
) -> None:
    """Run a loop, again after an error."""
    backoff_s = settings.backoff_min_s
    while not stop.is_set():
        started = asyncio.get_running_loop().time()
        try:
            await loop.run(database, stop)
        except Misconfigured:
            raise
        except Exception as error:
            if asyncio.get_running_loop().time() - started > 30:
                backoff_s = settings.backoff_min_s
            metrics.RESTARTS.labels(loop.name).inc()
            log.warning("loop failed", exc_info=error, extra={"loop": loop.name})
        await pause(stop, backoff_s)
        backoff_s = min(backoff_s * 2, settings.backoff_max_s)


async def _watch(app: FastAPI, tasks: Sequence[asyncio.Task[None]]) -> None:
    """One that cannot go on ends the process: said once, loudly, and seen by whoever runs it."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    for task in done:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            app.state.failed = error
            app.state.end()
            return


def _ready(app: FastAPI) -> Ready:
    async def can_answer() -> dict[str, Any]:
        """Postgres answers and every consumer has its partitions."""
        waiting = [one.consumer.name for one in app.state.readers if not one.connected]
        try:
            async with app.state.pool.connection(timeout=1.0) as connection:
                await connection.execute("SELECT 1")
        except (psycopg.Error, PoolTimeout) as error:
            raise NotReady(postgres=type(error).__name__) from error
        if waiting:
            raise NotReady(consumers=waiting)
        return {"consumers": len(app.state.readers)}

    return can_answer
