"""Where Feast keeps a row online, and what its bytes say, without the seconds of Feast's import.

Its layout in Redis is documented (online store format): one hash per entity, one field per feature,
each value a ``feast.types.Value`` message. ``tests/features`` compares this with Feast's own
answers on real servers.
"""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import mmh3
from google.protobuf.timestamp_pb2 import Timestamp

from contracts.errors import Misconfigured
from contracts.feature_views import Value, View
from features.catalogue import PROJECT

_STRING = 2  # feast.types.ValueType.STRING


def _value_messages() -> ModuleType:
    """Feast's generated module for ``Value``, loaded from its file: nothing imports the package."""
    package = importlib.util.find_spec("feast")
    if package is None or not package.submodule_search_locations:
        raise Misconfigured("Feast is not installed: run ./learnstream setup")
    path = Path(package.submodule_search_locations[0]) / "protos/feast/types/Value_pb2.py"
    spec = importlib.util.spec_from_file_location("features._feast_value", path)
    if spec is None or spec.loader is None:
        raise Misconfigured(f"Feast's messages are not where they were: {path}", path=str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_Value = _value_messages().Value


def entity_key(view: View, entity_id: str) -> bytes:
    """The Redis key of one entity: Feast's entity key serialization 3, then the project."""
    join_key, value = view.entity.join_key.encode(), entity_id.encode()
    return b"".join(
        (
            struct.pack("<III", 1, _STRING, len(join_key)),
            join_key,
            struct.pack("<II", _STRING, len(value)),
            value,
            PROJECT.encode(),
        )
    )


def fields(view: View) -> list[bytes]:
    """The hash fields of the view's features in their order, then of its timestamp."""
    names = [
        struct.pack("<I", mmh3.hash(f"{view.name}:{feature}", signed=False))
        for feature in view.features
    ]
    return [*names, f"_ts:{view.name}".encode()]


def decode(view: View, reply: Sequence[bytes | None]) -> dict[str, Value] | None:
    """The answer to HMGET of ``fields(view)``; None where the entity has no such features."""
    *values, written_at = reply
    if written_at is None:
        return None
    return {
        name: None if value is None else _plain(value)
        for name, value in zip(view.features, values, strict=True)
    }


def moment(written_at: bytes) -> datetime:
    """The row's own time, the last of ``fields(view)``."""
    found: datetime = Timestamp.FromString(written_at).ToDatetime(UTC)
    return found


def _plain(encoded: bytes) -> Value:
    value = _Value.FromString(encoded)
    which = value.WhichOneof("val")
    return None if which in (None, "null_val") else getattr(value, which)
