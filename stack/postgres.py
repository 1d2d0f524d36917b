"""PostgreSQL: the transactional database (``lms``) and the analytical one (TimescaleDB)."""

from __future__ import annotations

import select
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import AsyncConnectionPool
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.errors import Retryable
from stack import jdbc, principals, tls
from stack.profile import profile
from stack.roundtrip import Connection, Cursor, Unprepared

MADE_MEANWHILE = (
    psycopg.errors.DuplicateDatabase,
    psycopg.errors.DuplicateObject,
    psycopg.errors.DuplicateSchema,
    psycopg.errors.DuplicateTable,
    psycopg.errors.UniqueViolation,  # two at the same moment: the catalog's own index says so
)
"""What whoever makes a thing is answered where somebody else has just made it."""


def _local(database: str) -> str:
    return f"postgresql://127.0.0.1:{profile().port(15432)}/{database}"


class PostgresSettings(BaseSettings):
    """``LMS_POSTGRES_*``: two addresses, which may be one server (local) or two (a cluster).

    An address that names no user gets the name and the password of this process's principal
    (``stack.principals``).
    """

    model_config = SettingsConfigDict(env_prefix="LMS_POSTGRES_", frozen=True)

    lms_url: str = Field(default_factory=lambda: _local("lms"))
    """The transactional LMS, with the rights of this process: all of them for the operator."""
    app_url: str = Field(default_factory=lambda: _local("lms"))
    """The same database as the application: a role that row-level security binds to one tenant."""
    analytics_url: str = Field(default_factory=lambda: _local("analytics"))
    """TimescaleDB: archive, aggregates, feature history; with the rights of this process."""
    analyst_url: str = Field(default_factory=lambda: _local("analytics"))
    """The same as the API reads it: rows of one institution, of some courses or of one learner."""
    replica_url: str | None = None
    """A streaming replica, as the application's role: lists that may be seconds behind go there."""
    jdbc_user: str = "flink"
    """Who Flink is to the analytical database; its password is in a file of the TaskManagers."""
    pool_size: int = Field(default=8, ge=1)
    """Connections of one pool of one process."""
    prepared_statements: bool = True
    """Off for a pooler that does not know them (PgBouncer before 1.21, or its
    ``max_prepared_statements`` at 0)."""

    @field_validator("lms_url", "analytics_url", mode="after")
    @classmethod
    def _as_this_process(cls, url: str) -> str:
        return tls.postgres_url(_with_login(url, principals.current()))

    @field_validator("app_url", "analyst_url", "replica_url", mode="after")
    @classmethod
    def _as_the_application(cls, url: str | None) -> str | None:
        return None if url is None else tls.postgres_url(_with_login(url, principals.application()))

    def analytics_jdbc(self) -> dict[str, str]:
        """``url`` of the analytical database for Flink's JDBC connector.

        No password: what a table is made with can be read in plans and logs. The driver looks for
        it in the file that ``PGPASSFILE`` names where it connects, on the TaskManagers.
        """
        setting = "LMS_POSTGRES_ANALYTICS_URL"
        own = {"user": self.jdbc_user, "reWriteBatchedInserts": "true"}
        return {"url": jdbc.address(self.analytics_url, setting, **own)}


def _with_login(url: str, principal: str) -> str:
    """``principals.with_login`` for whatever libpq reads."""
    if "://" in url:
        return principals.with_login(url, principal)
    if "user" in conninfo_to_dict(url):
        return url
    return make_conninfo(url, user=principal, password=principals.password(principal))


def connect_lms(**kwargs: Any) -> psycopg.Connection[Any]:
    """A connection to the LMS's database; ``kwargs`` are psycopg's, as are the errors."""
    return psycopg.connect(PostgresSettings().lms_url, **kwargs)


def reach_lms(url: str | None = None, **kwargs: Any) -> psycopg.Connection[Any]:
    """Like ``connect_lms``, or to ``url``; raises ``Retryable`` while the server is away."""
    try:
        return psycopg.connect(url or PostgresSettings().lms_url, **kwargs)
    except psycopg.OperationalError as error:
        raise Retryable(f"PostgreSQL (LMS_POSTGRES_LMS_URL) does not answer: {error}") from error


def connect_analytics(**kwargs: Any) -> psycopg.Connection[Any]:
    """The same to the analytical database."""
    return psycopg.connect(PostgresSettings().analytics_url, **kwargs)


def make(connection: psycopg.Connection[Any], statement: str, *names: str) -> bool:
    """Execute one CREATE, whose ``{}`` are ``names``; whether it was us who made the thing.

    What somebody else made a moment ago is made. The connection is in autocommit.
    """
    try:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
    except MADE_MEANWHILE:
        return False
    return True


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
