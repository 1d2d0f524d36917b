"""Moves queued rows into the log, in one order, each chained to the one before it.

After that whoever was erased is named in it by the id that took the place of theirs.
"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from core_lms.audit import heads
from core_lms.audit.chain import EMPTY, Head, next_hash
from core_lms.audit.redacting import redact
from core_lms.audit.settings import AuditSettings
from stack.queries import load

BATCH = 1000

_sql = load(__file__)


class Sealer:
    """Owns one connection of the tables' owner; of several sealers one seals, the others wait."""

    def __init__(self, url: str, settings: AuditSettings) -> None:
        self._url, self._settings = url, settings
        self._connection: psycopg.Connection[dict[str, Any]] | None = None
        self._alone = False
        self._kept: Head | None = None
        self._kept_at = float("-inf")

    def seal(self) -> int:
        """Seal all that waits; returns how many rows. Raises ``psycopg.Error``, then try again."""
        try:
            return self._seal()
        except BaseException:
            self.close()
            raise

    def _seal(self) -> int:
        if self._connection is None:
            self._connection = psycopg.connect(
                self._url, autocommit=True, row_factory=dict_row, application_name="audit-sealer"
            )
        connection = self._connection
        if not self._alone:
            row = connection.execute(_sql["alone"]).fetchone()
            self._alone = bool(row and row["alone"])
            if not self._alone:
                return 0
        total = 0
        while sealed := _batch(connection):
            total += sealed
        redact(connection)
        self._keep(connection)
        return total

    def _keep(self, connection: psycopg.Connection[dict[str, Any]], *, now: bool = False) -> None:
        """Only what has committed is kept, so that a head in the file was once in the table."""
        late = time.monotonic() - self._kept_at >= self._settings.heads_every_s
        if not (now or late):
            return
        found = head(connection)
        if found not in (self._kept, EMPTY):
            heads.keep(self._settings.heads, found)
        self._kept, self._kept_at = found, time.monotonic()

    def close(self) -> None:
        """Give the log to another sealer."""
        connection, self._connection, self._alone = self._connection, None, False
        if connection is not None:
            with suppress(psycopg.Error):  # lost already: then so is the lock
                connection.execute(_sql["let_go"])
            connection.close()

    def stop(self) -> None:
        """Keep the last head, then close."""
        if self._connection is not None and self._alone:
            self._keep(self._connection, now=True)
        self.close()


def head(connection: psycopg.Connection[dict[str, Any]]) -> Head:
    row = connection.execute(_sql["head"]).fetchone()
    return Head(row["position"], bytes(row["hash"])) if row else EMPTY


def _batch(connection: psycopg.Connection[dict[str, Any]]) -> int:
    with connection.transaction():
        rows = connection.execute(_sql["take"], {"limit": BATCH}).fetchall()
        if not rows:
            return 0
        at, now = head(connection), datetime.now(UTC)
        sealed = []
        for row in sorted(rows, key=lambda row: (row["at"], row["id"])):
            row |= {"position": at.position + 1, "sealed_at": now}
            at = Head(at.position + 1, next_hash(at.hash, row))
            sealed.append(row | {"hash": at.hash})
        with connection.cursor() as cursor:
            cursor.executemany(_sql["seal"], sealed)
    return len(rows)
