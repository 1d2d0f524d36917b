"""The loop around the engine: a step whenever events wait, refreshing when there is time."""

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
from pipelines.derive.features import MOST, PROMPT, QUEUES, FeaturePublisher
from pipelines.derive.live import LiveCounters
from pipelines.derive.settings import DeriveSettings

log = logging.getLogger("pipelines.derive")

FEATURES_S = 0.5
"""How often statistics are refreshed and feature rows published while no event waits."""
PROMPT_S = 1.0
"""How often learners' newest items are published while steps keep coming."""
STEPS_SHARE = 10
"""While steps keep coming, they get this many times the time of publishing and refreshing."""
BACKLOG_FACTOR = 30
"""While backlogged, publish and refresh this many times less often."""
IDLE_S = 0.1
"""Pause before it asks for more: the archive commits twenty times a second at most."""
MAX_BACKOFF_S = 5.0

_AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.UndefinedTable,  # not prepared yet
    Retryable,
)


class Derivation:
    """``run`` returns once ``stop`` is set, after the step in progress."""

    def __init__(self, stop: Event, settings: DeriveSettings | None = None) -> None:
        self._stop = stop
        self._settings = settings or DeriveSettings()

    def run(self) -> None:
        """Derive until stopped; waits for a database that does not answer."""
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
        refreshed = published = reported = time.monotonic()
        refresh_took_s = publish_took_s = 0.0
        retained = -retention.EVERY_S
        events = 0
        more = False  # whether the last round published as many rows as one round may
        with closing(live):
            live.write(engine.connection, engine.position(), [])
            while not self._stop.is_set():
                step = engine.step()
                if step:
                    events += step.events
                    live.write(engine.connection, step.upto, step.recent)
                now = time.monotonic()
                # A full step leaves more in the queue: rows published now are soon outdated.
                backlogged = step is not None and step.events >= self._settings.step_events
                factor = BACKLOG_FACTOR if backlogged else 1
                pause_s = max(self._settings.refresh_s * factor, refresh_took_s * STEPS_SHARE)
                if step is None:
                    pause_s = 0.0 if more else FEATURES_S
                if now - refreshed > pause_s:
                    engine.refresh_due()
                    more = self._publish(engine, features, QUEUES) >= MOST
                    live.write(engine.connection, engine.position(), [])
                    refreshed = published = time.monotonic()
                    refresh_took_s = refreshed - now
                elif now - published > max(PROMPT_S * factor, publish_took_s * STEPS_SHARE):
                    self._publish(engine, features, PROMPT)
                    published = time.monotonic()
                    publish_took_s = published - now
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
