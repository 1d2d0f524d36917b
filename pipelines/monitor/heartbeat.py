"""Measures, all the time, how long an event takes from its commit in the LMS to readable rows.

A heartbeat goes the way of an event: outbox, relay, Kafka, archive, derivation. It is no event and
is counted nowhere. This process's clock alone takes both times: just before the commit, and when a
reader that polls every few milliseconds first finds the row.
"""

from __future__ import annotations

import logging
import time
from threading import Event
from typing import Any

import psycopg

from contracts.errors import LearnstreamError
from contracts.ids import new_id
from pipelines.monitor.settings import MonitorSettings
from stack import cli, postgres
from stack.queries import load

POLL_EVERY_S = 0.01
GIVE_UP_S = 60.0
"""After that it no longer waits for a heartbeat and sends the next."""

_SQL = load(__file__, "heartbeat.sql")

log = logging.getLogger("pipelines.monitor")


class Prober:
    """``run`` returns once ``stop`` is set, and survives whatever does not answer."""

    def __init__(self, stop: Event, settings: MonitorSettings | None = None) -> None:
        self._stop = stop
        self._settings = settings or MonitorSettings()

    def run(self) -> None:
        if not self._settings.heartbeat_every_s:
            return
        while not self._stop.is_set():
            try:
                if not self.beat():
                    log.warning("a heartbeat has not reached the tables for %.0f s", GIVE_UP_S)
            except (LearnstreamError, psycopg.Error) as error:
                log.warning("no heartbeat this time: %s", error)
            self._stop.wait(self._settings.heartbeat_every_s)

    def beat(self, give_up_s: float = GIVE_UP_S) -> bool:
        """Send one and wait for it; false where it did not come, or ``stop`` came first."""
        with postgres.connect_analytics(connect_timeout=2, autocommit=True) as connection:
            connection.execute("SET statement_timeout = '5s'")
            heartbeat_id = new_id()
            cli.call("heartbeat", heartbeat_id)
            archived_at = None
            deadline = time.monotonic() + give_up_s
            while time.monotonic() < deadline:
                found = self._arrival(connection, heartbeat_id)
                now = time.time()
                if found:
                    sent_at, derived = found
                    archived_at = archived_at or now
                    if derived:
                        self._record(connection, sent_at, archived_at, now)
                        return True
                if self._stop.wait(POLL_EVERY_S):
                    return False
        return False

    @staticmethod
    def _arrival(
        connection: psycopg.Connection[Any], heartbeat_id: str
    ) -> tuple[float, bool] | None:
        """When it was sent and whether it is derived; None before it is archived."""
        return connection.execute(
            _SQL["arrival"].encode(), {"heartbeat_id": heartbeat_id}
        ).fetchone()

    def _record(
        self, connection: psycopg.Connection[Any], sent: float, archived: float, derived: float
    ) -> None:
        values = {
            "sent_at": sent,
            "archive_s": max(0.0, archived - sent),
            "derive_s": max(0.0, derived - sent),
            "days": self._settings.heartbeats_kept_days,
        }
        connection.execute(_SQL["record"].encode(), values)
