"""Feast's extension points over tiles: an online and an offline store class of ours.

Feast's own stores keep rows and join the newest. A windowed view has no rows: its features are
merged as of the moment of asking, online from Redis, for the past from the archive. Views of
rows go on through the classes that these extend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
from feast import FeatureView
from feast.infra.offline_stores.contrib.postgres_offline_store.postgres import (
    PostgreSQLOfflineStore,
    PostgreSQLOfflineStoreConfig,
)
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.infra.online_stores.redis import RedisOnlineStore, RedisOnlineStoreConfig
from feast.protos.feast.types.Value_pb2 import Value as ValueProto

from contracts.errors import Rejected
from contracts.feature_views import Value
from features import known, online_windows
from features.catalogue import WINDOW_VIEWS
from stack import postgres
from stack import redis as stack_redis

_MOMENT = "event_timestamp"


class TilesOnlineStoreConfig(RedisOnlineStoreConfig):
    """As of Feast's Redis store."""

    type: Literal["features.feast_tiles.TilesOnlineStore"] = "features.feast_tiles.TilesOnlineStore"  # type: ignore[assignment]


class TilesOnlineStore(RedisOnlineStore):
    """Windowed views are read from their tiles, others as Feast's Redis store reads them."""

    def _read_features_per_fv(self, config: Any, grouped_refs: Any, *args: Any) -> None:
        rows = [one for one in grouped_refs if one[0].name not in WINDOW_VIEWS]
        windows = [one for one in grouped_refs if one[0].name in WINDOW_VIEWS]
        if rows:
            super()._read_features_per_fv(config, rows, *args)
        if windows:
            super(RedisOnlineStore, self)._read_features_per_fv(config, windows, *args)

    def online_read(
        self,
        config: Any,
        table: Any,
        entity_keys: Any,
        requested_features: list[str] | None = None,
    ) -> list[tuple[datetime | None, dict[str, ValueProto] | None]]:
        """As Feast asks it of a store."""
        view = WINDOW_VIEWS.get(table.name)
        if view is None:
            found: Any = super().online_read(config, table, entity_keys, requested_features)
            return list(found)
        wanted = []
        for one in entity_keys:
            ids = {
                name: value.string_val
                for name, value in zip(one.join_keys, one.entity_values, strict=True)
            }
            wanted.append(tuple(ids[name] for name in view.entity.keys))
        now = datetime.now(UTC)
        [answers] = online_windows.read(stack_redis.client(), (view, wanted), at=now.timestamp())
        names = requested_features or list(view.features)
        return [
            (None, None)
            if row is None
            else (now, {name: _proto(view.features[name].type, row[name]) for name in names})
            for row in answers
        ]

    def online_write_batch(self, config: Any, table: Any, data: Any, progress: Any) -> None:
        """Rows of views that have rows; a windowed view's tiles come from the stream alone."""
        if table.name in WINDOW_VIEWS:
            raise Rejected(f"{table.name} is made of tiles, which come from the stream alone")
        super().online_write_batch(config, table, data, progress)


def _proto(type_: str, value: Value) -> ValueProto:
    if value is None:
        return ValueProto()
    if type_ == "int":
        return ValueProto(int64_val=int(value))
    return ValueProto(double_val=float(value))


class TilesOfflineStoreConfig(PostgreSQLOfflineStoreConfig):
    """As of Feast's PostgreSQL store."""

    # Feast finds a class by this name.
    type: Literal["features.feast_tiles.TilesOfflineStore"] = (
        "features.feast_tiles.TilesOfflineStore"  # type: ignore[assignment]
    )


class TilesOfflineStore(PostgreSQLOfflineStore):
    """Windowed views are counted from the archive as known at each row's moment."""

    @staticmethod
    def get_historical_features(  # type: ignore[override]
        config: Any,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: pd.DataFrame | str | None,
        registry: Any,
        project: str,
        full_feature_names: bool = False,
        **options: Any,
    ) -> RetrievalJob:
        """As Feast asks it of a store; for windowed views ``entity_df`` is a frame with the
        columns of their join keys and ``event_timestamp``."""
        windows = [one for one in feature_views if one.name in WINDOW_VIEWS]
        if not windows:
            return PostgreSQLOfflineStore.get_historical_features(
                config,
                feature_views,
                feature_refs,
                entity_df,
                registry,
                project,
                full_feature_names,
                **options,
            )
        if not isinstance(entity_df, pd.DataFrame):
            raise Rejected("ask for windows by a data frame of entities and moments, not by SQL")
        of_rows = [one for one in feature_views if one.name not in WINDOW_VIEWS]
        refs = _by_view(feature_refs)
        frame = entity_df
        if of_rows:
            others = [f"{one.name}:{name}" for one in of_rows for name in refs[one.name]]
            numbered = entity_df.assign(_n=range(len(entity_df)))
            frame = (
                PostgreSQLOfflineStore.get_historical_features(
                    config,
                    of_rows,
                    others,
                    numbered,
                    registry,
                    project,
                    full_feature_names,
                    **options,
                )
                .to_df()
                .sort_values("_n")
                .drop(columns="_n")
                .set_index(entity_df.index)
            )
        return WindowsJob(frame, {one.name: refs[one.name] for one in windows}, full_feature_names)


def _by_view(refs: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for ref in refs:
        view, _, name = ref.partition(":")
        found.setdefault(view.partition("@")[0], []).append(name)
    return found


class WindowsJob(RetrievalJob):
    """The rows asked for, with the windowed features beside them; nothing runs before it is
    read."""

    def __init__(
        self, frame: pd.DataFrame, wanted: Mapping[str, Sequence[str]], full_names: bool
    ) -> None:
        self._frame, self._wanted, self._full_names = frame, wanted, full_names

    @property
    def full_feature_names(self) -> bool:
        return self._full_names

    @property
    def on_demand_feature_views(self) -> list[Any]:
        return []

    @property
    def metadata(self) -> RetrievalMetadata:
        refs = [f"{view}:{name}" for view, names in self._wanted.items() for name in names]
        return RetrievalMetadata(refs, [one for one in self._frame.columns if one != _MOMENT])

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        frame = self._frame.copy()
        moments = [one.to_pydatetime() for one in pd.to_datetime(frame[_MOMENT], utc=True)]
        with postgres.connect_analytics(autocommit=True) as connection:
            for view_name, names in self._wanted.items():
                view = WINDOW_VIEWS[view_name]
                ids = [tuple(map(str, one)) for one in frame[list(view.entity.keys)].to_numpy()]
                merged = known.known(connection, view, ids, moments)
                for name, values in view.compute(merged, names).items():
                    column = f"{view_name}__{name}" if self._full_names else name
                    made = pd.Series(values, index=frame.index)
                    whole = view.features[name].type == "int"
                    frame[column] = made.astype("Int64") if whole else made
        return frame

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:
        return pa.Table.from_pandas(self._to_df_internal(timeout), preserve_index=False)
