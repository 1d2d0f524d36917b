"""``python -m pipelines.monitor``: the readings at ``/metrics``, and the heartbeat they tell of."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipelines.monitor.heartbeat import Prober
from pipelines.monitor.readings import ABOUT, Monitor, Reading
from stack import tls
from stack.http import HttpSettings

EVERY_S = 5.0

log = logging.getLogger("pipelines.monitor")


class Board:
    """The newest readings, as a Prometheus collector."""

    def __init__(self) -> None:
        self.readings: list[Reading] | None = None

    def collect(self) -> Iterable[GaugeMetricFamily]:
        families: dict[str, GaugeMetricFamily] = {}
        for reading in self.readings or ():
            labels = list(reading.labels)
            family = families.setdefault(
                reading.name, GaugeMetricFamily(reading.name, ABOUT[reading.name], labels=labels)
            )
            family.add_metric(list(reading.labels.values()), reading.value)
        return families.values()

    async def keep_reading(self) -> None:
        with closing(Monitor()) as monitor:
            while True:
                try:
                    self.readings = await asyncio.to_thread(monitor.take)
                except Exception:
                    log.exception("no readings this time")
                await asyncio.sleep(EVERY_S)


def create_app() -> Starlette:
    board, registry = Board(), CollectorRegistry()
    registry.register(board)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        reading = asyncio.create_task(board.keep_reading())
        stop = threading.Event()
        beating = threading.Thread(target=Prober(stop).run, name="heartbeat")
        beating.start()
        yield
        stop.set()
        reading.cancel()
        await asyncio.to_thread(beating.join)

    async def live(request: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(request: Request) -> Response:
        taken = board.readings is not None
        return JSONResponse({"status": "ready" if taken else "waiting"}, 200 if taken else 503)

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    routes = [
        Route("/health/live", live),
        Route("/health/ready", ready),
        Route("/metrics", metrics),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line per question to Flink
    http = HttpSettings()
    uvicorn.run(
        create_app(),
        host=http.host,
        port=http.monitor_port,
        log_config=None,
        access_log=False,
        **tls.uvicorn_options(),
    )


if __name__ == "__main__":
    main()
