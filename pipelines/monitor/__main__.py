"""``python -m pipelines.monitor``: the readings at ``/metrics``, and the heartbeat they measure."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily

from gateway import server
from gateway.app import install
from gateway.logs import log_to_stdout
from gateway.operations import NotReady
from pipelines.monitor.heartbeat import Prober
from pipelines.monitor.readings import ABOUT, Monitor, Reading
from stack.http import HttpSettings

EVERY_S = 5.0

log = logging.getLogger("pipelines.monitor")


class Readings:
    """The newest readings, as a Prometheus collector."""

    def __init__(self) -> None:
        self.newest: list[Reading] | None = None

    def collect(self) -> Iterable[GaugeMetricFamily]:
        families: dict[str, GaugeMetricFamily] = {}
        for reading in self.newest or ():
            labels = list(reading.labels)
            family = families.setdefault(
                reading.name, GaugeMetricFamily(reading.name, ABOUT[reading.name], labels=labels)
            )
            family.add_metric(list(reading.labels.values()), reading.value)
        return families.values()

    async def keep_current(self) -> None:
        with closing(Monitor()) as monitor:
            while True:
                try:
                    self.newest = await asyncio.to_thread(monitor.take)
                except Exception:
                    log.exception("could not take the readings")
                await asyncio.sleep(EVERY_S)


def create_app() -> FastAPI:
    readings, registry = Readings(), CollectorRegistry()
    registry.register(readings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        reading = asyncio.create_task(readings.keep_current())
        stop = threading.Event()
        beating = threading.Thread(target=Prober(stop).run, name="heartbeat")
        beating.start()
        yield
        stop.set()
        reading.cancel()
        await asyncio.to_thread(beating.join)

    async def ready() -> dict[str, Any]:
        """Readings were taken."""
        if readings.newest is None:
            raise NotReady()
        return {}

    app = FastAPI(title="Learnstream monitor", openapi_url=None, lifespan=lifespan)
    install(app, name="monitor", ready=ready, registry=registry)
    return app


def main() -> int:
    log_to_stdout()
    return 0 if server.run(create_app(), HttpSettings().monitor_port) else 1


if __name__ == "__main__":
    sys.exit(main())
