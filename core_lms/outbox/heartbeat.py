"""A heartbeat in the outbox: what the monitor measures the pipeline with."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg

from contracts.errors import Retryable
from contracts.heartbeat import Heartbeat
from stack import postgres


def send(heartbeat_id: str) -> None:
    """Commit one row with the time just before; raises ``Retryable`` where Postgres is away."""
    try:
        with postgres.connect_lms(connect_timeout=2, autocommit=True) as connection:
            connection.execute("SET statement_timeout = '5s'")
            beat = Heartbeat(heartbeat_id=heartbeat_id, sent_at=datetime.now(UTC))
            connection.execute("SELECT append_heartbeat(%s)", [beat.model_dump_json()])
    except (psycopg.OperationalError, psycopg.errors.UndefinedFunction) as error:
        raise Retryable(f"no heartbeat was sent: {error}") from error
