"""What a feature view is: an entity, its features with their types, declared once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

FeatureType = Literal["int", "float", "text"]
Value = int | float | str | None

_INT64 = 2**63


@dataclass(frozen=True, slots=True)
class Entity:
    """What features describe; ``join_key`` names its identifier in every table and payload."""

    name: str
    join_key: str
    about: str


@dataclass(frozen=True, slots=True)
class Trail:
    """The view's feature ``member`` is also remembered as a short ordered list per entity.

    A feature keeps the newest value only; a trail keeps the last ``length`` distinct ones by the
    time in feature ``at``, which is what "recently studied" means when serving.
    """

    member: str
    at: str
    length: int = 50


@dataclass(frozen=True)
class View:
    """One feature view. The stream, the history table and Feast's definitions derive from it."""

    name: str
    entity: Entity
    about: str
    features: Mapping[str, FeatureType]
    trail: Trail | None = None
    owner: str = "learnstream"
    tags: Mapping[str, str] = field(default_factory=dict)

    def problem_with(self, features: Mapping[str, object]) -> str | None:
        """Why ``features`` cannot be stored as this view, or None where they can.

        A missing feature is null. An unknown one is ignored: an older reader survives a newer
        writer, as with events.
        """
        for name, type_ in self.features.items():
            value = features.get(name)
            if value is not None and (why := _mismatch(type_, value)):
                return f"{name}: {why}"
        return None


def _mismatch(type_: FeatureType, value: object) -> str | None:
    if type_ == "text":
        if not isinstance(value, str):
            return f"expected text, got {value!r}"
        return "text holds a NUL character" if "\x00" in value else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"expected a number, got {value!r}"
    if type_ == "int" and not isinstance(value, int):
        return f"expected a whole number, got {value!r}"
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        return f"{value} does not fit in 64 bits"
    return None
