"""The loop around the engine: a step whenever there is something, settling when there is time."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from contextlib import closing
from threading import Event

import psycopg

from contracts.errors import Retryable
from pipelines import retention
from pipelines.derive import rebuild
from pipelines.derive.engine import Engine
from pipelines.derive.features import MOST, QUEUES, TOTALS, FeaturePublisher
from pipelines.derive.live import LiveCounters
from pipelines.derive.settings import DeriveSettings

log = logging.getLogger("pipelines.derive")

FEATURES_S = 0.5
"""How often statistics and feature rows are told while nothing is queued."""
TOTALS_S = 1.0
"""How often running totals are told while steps keep coming."""
STEPS_SHARE = 10
"""While steps keep coming they have so many times the time that telling and settling take."""
RARER_BEHIND = 30
"""So many times rarer is told and settled while full steps are waiting."""
IDLE_S = 0.1
"""How long it waits for more: the archive commits twenty times a second at most."""
MAX_BACKOFF_S = 5.0

_AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.UndefinedTable,  # not prepared yet
    Retryable,
)


class Derivation:
    """``run`` returns once ``stop`` is set, after the step it is in."""

    def __init__(self, stop: Event, settings: DeriveSettings | None = None) -> None:
        self._stop = stop
        self._settings = settings or DeriveSettings()

    def run(self) -> None:
        """Derive until stopped; waits for a database that is away."""
        backoff_s = 0.1
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                with closing(Engine(self._settings)) as engine:
                    rebuild.begin(engine)
                    retention.configure(engine.connection)
                    self._session(engine)
            except _AWAY as error:
                if time.monotonic() - started > 30:
                    backoff_s = 0.1
                log.warning("starting over in %.1f s: %s", backoff_s, error)
                self._stop.wait(backoff_s)
                backoff_s = min(MAX_BACKOFF_S, backoff_s * 2)

    def _session(self, engine: Engine) -> None:
        log.info("deriving from batch %d on", engine.position() + 1)
        live, features = LiveCounters(), FeaturePublisher()
        settled = told = reported = time.monotonic()
        settling_s = telling_s = 0.0  # what it took the last time
        retained = -retention.EVERY_S
        events = 0
        more = False  # whether as much was told the last time as is told at once
        with closing(live):
            live.write(engine.connection, engine.position(), [])
            while not self._stop.is_set():
                step = engine.step()
                if step:
                    events += step.events
                    live.write(engine.connection, step.upto, step.recent)
                now = time.monotonic()
                # A full step leaves more in the queue: what is told now is old news by then.
                full = step is not None and step.events >= self._settings.step_events
                rarer = RARER_BEHIND if full else 1
                settle_s = max(self._settings.settle_s * rarer, settling_s * STEPS_SHARE)
                if step is None:
                    settle_s = 0.0 if more else FEATURES_S
                if now - settled > settle_s:
                    engine.settle()
                    more = self._publish(engine, features, QUEUES) >= MOST
                    live.write(engine.connection, engine.position(), [])
                    settled = told = time.monotonic()
                    settling_s = settled - now
                elif now - told > max(TOTALS_S * rarer, telling_s * STEPS_SHARE):
                    self._publish(engine, features, TOTALS)
                    told = time.monotonic()
                    telling_s = told - now
                if now - retained > retention.EVERY_S:
                    retention.retain(engine.connection)
                    retained = now
                if now - reported > 10 and events:
                    log.info("derived %d events, up to batch %d", events, engine.position())
                    reported, events = now, 0
                if step is None:
                    self._stop.wait(0.0 if more else IDLE_S)

    def _publish(self, engine: Engine, features: FeaturePublisher, queues: Iterable[str]) -> int:
        try:
            return features.publish(engine.connection, queues=queues)
        except Retryable as error:
            log.warning("feature rows wait: %s", error)  # they stay due
            return 0
