# Feast reads the environment when it is imported
"""Feast's side of the catalogue: definitions, registry, and the push into the online store.

Importing Feast costs seconds, so only the process that pushes and the tests import this module;
serving reads what is written here through ``features.online``.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

os.environ.setdefault("FEAST_USAGE", "False")  # nothing is reported to anyone

import pandas as pd
import redis.exceptions
import sqlalchemy.exc
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, PushSource, RepoConfig
from feast.data_source import PushMode
from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import (
    PostgreSQLSource,
)
from feast.infra.registry.sql import FeastRegistrySchemaError
from feast.types import Float64, Int64, String
from feast.value_type import ValueType
from psycopg.conninfo import conninfo_to_dict
from redis.connection import parse_url
from sqlalchemy.engine import URL

from contracts.errors import Retryable
from contracts.feature_views import COURSE, View
from contracts.features import FeatureRow
from features.catalogue import PROJECT, REGISTRY_SCHEMA, SERVICES, VIEWS, WINDOW_VIEWS
from features.history import SCHEMA
from features.windowed import WindowView
from stack import tls
from stack.postgres import PostgresSettings
from stack.redis import RedisSettings

# Importing Feast sets a folder that is removed with this process: its children must not use it.
for _name in ("PROMETHEUS_MULTIPROC_DIR", "PROMETHEUS_MULTIPROCESS_DIR"):
    if "feast_metrics_" in os.environ.get(_name, ""):
        del os.environ[_name]

_TYPES = {"int": Int64, "float": Float64, "text": String}
_DTYPES = {"int": "Int64", "float": "Float64", "text": "object"}

logging.getLogger("feast").setLevel(logging.WARNING)


def config(schema: str = "verify") -> RepoConfig:
    """Feast's configuration out of ours; with ``schema="auto"`` it makes its tables."""
    address: dict[str, Any] = conninfo_to_dict(PostgresSettings().analytics_url)
    encryption = {name: value for name, value in address.items() if name.startswith("ssl")}
    url = URL.create(
        "postgresql+psycopg",
        username=address.get("user"),
        password=address.get("password"),
        host=address.get("host"),
        port=int(address.get("port", 5432)),
        database=address["dbname"],
        query={"options": f"-csearch_path={REGISTRY_SCHEMA}"} | encryption,
    )
    return RepoConfig(
        project=PROJECT,
        provider="local",
        registry={
            "registry_type": "sql",
            "path": url.render_as_string(hide_password=False),
            "cache_ttl_seconds": 3600,
            "schema_mode": schema,
        },
        online_store={
            "type": "features.feast_tiles.TilesOnlineStore",
            "connection_string": _redis_address(),
            # A later row of a key replaces an earlier one, whatever the clocks said: many imported
            # events share one timestamp, and Feast would keep the first of them.
            "skip_dedup": True,
        },
        offline_store={
            "type": "features.feast_tiles.TilesOfflineStore",
            "host": address.get("host", "127.0.0.1"),
            "port": int(address.get("port", 5432)),
            "database": address["dbname"],
            "db_schema": SCHEMA,
            "user": address.get("user", ""),
            "password": address.get("password", ""),
            "sslmode": address.get("sslmode", "prefer"),
            "sslrootcert_path": address.get("sslrootcert"),
            "sslcert_path": address.get("sslcert"),
            "sslkey_path": address.get("sslkey"),
        },
        entity_key_serialization_version=3,
    )


def _redis_address() -> str:
    url = RedisSettings().url
    address = parse_url(url)  # type: ignore[no-untyped-call]
    options = {
        "db": address.get("db", 0),
        "username": address.get("username"),
        "password": address.get("password"),
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        **{name: value for name, value in address.items() if name.startswith("ssl_")},
        # Feast reads values as JSON where they are.
        **{name: int(value) for name, value in tls.redis_options(url).items()},
    }
    if "ssl_check_hostname" in options:
        options["ssl_check_hostname"] = json.dumps(options["ssl_check_hostname"])
    extra = "".join(f",{name}={value}" for name, value in options.items() if value is not None)
    ssl = ",ssl=true" if url.startswith("rediss:") else ""
    return f"{address['host']}:{address.get('port', 6379)}{extra}{ssl}"


def push_source(view: View) -> str:
    """The name of the view's push source."""
    return f"{view.name}_rows"


def definitions() -> list[Any]:
    """Entities, views and services of the catalogue as Feast objects."""
    kinds = {view.entity.name: view.entity for view in VIEWS.values()} | {COURSE.name: COURSE}
    entities = {
        name: Entity(
            name=name,
            join_keys=[kind.join_key],
            value_type=ValueType.STRING,
            description=kind.about,
        )
        for name, kind in kinds.items()
    }
    feast_views = {
        name: _feast_view(view, entities[view.entity.name]) for name, view in VIEWS.items()
    }
    of_keys = {kind.join_key: entities[name] for name, kind in kinds.items()}
    feast_views |= {name: _window_view(view, of_keys) for name, view in WINDOW_VIEWS.items()}
    services = [
        FeatureService(
            name=service.name,
            features=[feast_views[view][list(names)] for view, names in service.reads.items()],
        )
        for service in SERVICES
    ]
    return [*entities.values(), *feast_views.values(), *services]


def _feast_view(view: View, entity: Entity) -> FeatureView:
    history = PostgreSQLSource(
        name=f"{view.name}_history",
        table=f"{SCHEMA}.{view.name}",
        timestamp_field="event_timestamp",
        created_timestamp_column="received_at",
    )
    return FeatureView(
        name=view.name,
        entities=[entity],
        ttl=timedelta(0),  # never expires: a learner who comes back after a year is known
        schema=[
            Field(name=view.entity.join_key, dtype=String),
            *(
                Field(name=name, dtype=_TYPES[type_], description=view.meanings.get(name, ""))
                for name, type_ in view.features.items()
            ),
        ],
        source=PushSource(name=push_source(view), batch_source=history),
        description=view.about,
        owner=PROJECT,
    )


def _window_view(view: WindowView, entities: Mapping[str, Entity]) -> FeatureView:
    """Its source says where the tiles are; the store classes of ours merge them."""
    history = PostgreSQLSource(
        name=f"{view.name}_tiles",
        table=f"public.{view.tiles.name}",
        timestamp_field="hour_at",
    )
    return FeatureView(
        name=view.name,
        entities=[entities[key] for key in view.entity.keys],
        ttl=timedelta(0),
        schema=[
            *(Field(name=key, dtype=String) for key in view.entity.keys),
            *(
                Field(name=name, dtype=_TYPES[one.type], description=one.about)
                for name, one in view.features.items()
            ),
        ],
        source=history,
        description=view.about,
        owner=view.owner,
    )


def apply() -> None:
    """Register the catalogue, as the operator; the same again changes nothing."""
    FeatureStore(config=config("auto")).apply(definitions())


def opened() -> FeatureStore:
    """The registered store. Raises ``Retryable``, also where nothing is registered yet."""
    try:
        return FeatureStore(config=config())
    except (FeastRegistrySchemaError, sqlalchemy.exc.OperationalError) as error:
        raise Retryable(f"the feature registry cannot be read: {error}") from error


def push(store: FeatureStore, view: View, rows: Sequence[FeatureRow]) -> None:
    """Write rows, at most one per entity, to the online store. Raises ``Retryable``."""
    if not rows:
        return
    try:
        store.push(push_source(view), _frame(view, rows), to=PushMode.ONLINE)
    except redis.exceptions.RedisError as error:
        raise Retryable(f"the online store does not answer: {error}") from error
    except sqlalchemy.exc.OperationalError as error:
        raise Retryable(f"the feature registry's database does not answer: {error}") from error


def _frame(view: View, rows: Iterable[FeatureRow]) -> pd.DataFrame:
    rows = list(rows)
    columns: dict[str, Any] = {
        view.entity.join_key: [row.entity_id for row in rows],
        "event_timestamp": pd.to_datetime([row.event_timestamp for row in rows], utc=True),
        "received_at": pd.Timestamp.now(tz="UTC"),
    }
    for name, type_ in view.features.items():
        values: list[Any] = [row.features.get(name) for row in rows]
        columns[name] = pd.Series(values, dtype=_DTYPES[type_])
    return pd.DataFrame(columns)
