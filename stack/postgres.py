"""PostgreSQL: the transactional database (``lms``) and the analytical one (TimescaleDB)."""

from __future__ import annotations

import select
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack import jdbc, tls
from stack.profile import profile
from stack.roundtrip import Connection, Cursor, Unprepared


def _local(database: str, user: str = "learnstream") -> str:
    return f"postgresql://{user}@127.0.0.1:{profile().port(15432)}/{database}"


class PostgresSettings(BaseSettings):
    """``LMS_POSTGRES_*``: two addresses, which may be one server (local) or two (a cluster)."""

    model_config = SettingsConfigDict(
        env_prefix="LMS_POSTGRES_", frozen=True, validate_default=True
    )

    lms_url: str = Field(default_factory=lambda: _local("lms"))
    """The transactional LMS as the owner of its tables: migrations, imports, the outbox relay."""
    app_url: str = Field(default_factory=lambda: _local("lms", "learnstream_app"))
    """The same database as the application: a role that row-level security binds to one tenant."""
    analytics_url: str = Field(default_factory=lambda: _local("analytics"))
    """TimescaleDB: archive, aggregates, feature history."""
    analyst_url: str = Field(default_factory=lambda: _local("analytics", "learnstream_analyst"))
    """The same as the API reads it: rows of one institution, of some courses or of one learner."""
    replica_url: str | None = None
    """A streaming replica, as the application's role: lists that may be seconds behind go there."""
    pool_size: int = Field(default=8, ge=1)
    """Connections of one pool of one process."""
    prepared_statements: bool = True
    """Off for a pooler that does not know them (PgBouncer before 1.21, or its
    ``max_prepared_statements`` at 0)."""

    @field_validator("lms_url", "app_url", "analytics_url", "analyst_url", "replica_url")
    @classmethod
    def _encrypted(cls, url: str | None) -> str | None:
        return None if url is None else tls.postgres_url(url)

    def analytics_jdbc(self) -> dict[str, str]:
        """``url``, ``username``, ``password`` of the analytical database for Flink's JDBC sink."""
        parts: dict[str, Any] = conninfo_to_dict(self.analytics_url)
        setting = "LMS_POSTGRES_ANALYTICS_URL"
        return {
            "url": jdbc.address(self.analytics_url, setting, reWriteBatchedInserts="true"),
            "username": str(parts.get("user", "")),
            "password": str(parts.get("password", "")),
        }


def connect_lms(**kwargs: Any) -> psycopg.Connection[Any]:
    return psycopg.connect(PostgresSettings().lms_url, **kwargs)


def connect_analytics(**kwargs: Any) -> psycopg.Connection[Any]:
    return psycopg.connect(PostgresSettings().analytics_url, **kwargs)


async def still_there(connection: Connection) -> None:
    """Raise ``OperationalError`` where the server has ended the connection since it was used.

    It asks the socket, not the server: a closed one can be read, and holds nothing. So a restart
    of the server costs nobody an error, and a look at a connection that lives no round trip.
    """
    socket = select.poll()
    socket.register(connection.pgconn.socket, select.POLLIN)
    while socket.poll(0):
        connection.pgconn.consume_input()


def pool(url: str, **kwargs: Any) -> AsyncConnectionPool[Connection]:
    """An unopened async pool; open it in the application's lifespan.

    Its connections are in autocommit: a transaction is begun where one is meant.
    """
    settings = PostgresSettings()
    kwargs = {"cursor_factory": Cursor, **kwargs, "autocommit": True, "prepare_threshold": None}
    return AsyncConnectionPool(
        url,
        connection_class=Connection if settings.prepared_statements else Unprepared,
        min_size=1,
        max_size=settings.pool_size,
        open=False,
        kwargs=kwargs,
        check=still_there,
    )
