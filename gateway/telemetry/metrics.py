"""Numbers for Prometheus; several worker processes are added up (``prometheus_client``'s files)."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import lru_cache
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
    values,
)
from psycopg_pool import AsyncConnectionPool

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_SHARED = values.ValueClass is not values.MutexValue
"""Whether values lie in that folder: ``prometheus_client`` decides it when it is imported, and
a library that names a folder later (Feast does) changes nothing."""
BUCKETS_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

REQUESTS = Counter("lms_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "lms_request_seconds", "From the first byte to the last", ["method", "route"], buckets=BUCKETS_S
)
OPEN = Gauge("lms_requests_open", "Requests being answered", multiprocess_mode="livesum")
POOL = Gauge(
    "lms_pool_connections",
    "Connections to Postgres",
    ["pool", "state"],
    multiprocess_mode="livesum",
)
POOL_WAITING = Gauge(
    "lms_pool_waiting", "Requests that wait for one", ["pool"], multiprocess_mode="livesum"
)
OUTBOX_LAG = Gauge(
    "lms_outbox_lag_seconds",
    "Age of the oldest event that is not in Kafka yet",
    multiprocess_mode="mostrecent",
)


@lru_cache(maxsize=4096)
def answered(method: str, route: str, status: int) -> tuple[Any, Any]:
    """The counter and the histogram of one kind of answer."""
    return REQUESTS.labels(method, route, str(status)), SECONDS.labels(method, route)


def pooled(name: str, pool: AsyncConnectionPool[Any]) -> None:
    """Note how a pool stands."""
    stats = pool.get_stats()
    free = stats.get("pool_available", 0)
    POOL.labels(name, "free").set(free)
    POOL.labels(name, "used").set(stats.get("pool_size", 0) - free)
    POOL_WAITING.labels(name).set(stats.get("requests_waiting", 0))


def exposition(registry: CollectorRegistry | None = None) -> tuple[bytes, str]:
    """The text Prometheus reads, of all workers together, and its media type."""
    if registry is None and _SHARED:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry or REGISTRY), CONTENT_TYPE_LATEST


def end_of_process() -> None:
    """What this worker had open counts no longer; what it has counted stays in the sums."""
    if _SHARED:
        multiprocess.mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]


def shared_folder() -> None:
    """Before this module is first imported by workers: a folder in which they add up."""
    if FOLDER not in os.environ:
        folder = tempfile.mkdtemp(prefix="learnstream-metrics-")
        os.environ[FOLDER] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
