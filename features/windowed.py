"""A windowed feature view: one ``.toml`` file of ``features/views``, over one table of tiles.

::

    about = "What a learner did in windows that end at the moment of asking"
    entity = "learner"
    tiles = "learner_tiles"
    owner = "learnstream"
    freshness_s = 2

    [features."events_{w}"]
    windows = ["1h", "1d", "7d", "28d", "all"]
    type = "int"
    unit = "events"

    [features.trend]
    type = "float"
    unit = "ratio"
    about = "events of the last 7 days over those of an average week of the 21 before"
    expression = "ratio(events_7d * 3, events_28d - events_7d)"

``{w}`` stands for each of the windows; without an expression a feature is what it is called
(``features.expressions``). A changed definition is a new file ``<view>_v2.toml`` beside the old
one, for as long as a model reads that.

A view of a learner in a course may also compare with the course (``features.relative``).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from contracts.errors import Misconfigured
from contracts.feature_views import FOLDER, Value
from contracts.tiles import ITEM_TILES, LEARNER_TILES, TABLES, TileTable
from features import expressions, windows
from features.relative import FACTS
from features.windows import DAY, Floats, Merged, Window


@dataclass(frozen=True, slots=True)
class Entity:
    """What windows describe; ``keys`` are its join keys, ``tiles`` may tell of it."""

    name: str
    keys: tuple[str, ...]
    tiles: TileTable


ENTITIES = {
    entity.name: entity
    for entity in (
        Entity("learner", ("user_id",), LEARNER_TILES),
        Entity("learner_course", ("user_id", "course_id"), LEARNER_TILES),
        Entity("item", ("item_id",), ITEM_TILES),
        Entity("course", ("course_id",), ITEM_TILES),
    )
}


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of a view."""

    type: Literal["int", "float"]
    unit: str
    expression: str
    about: str
    window: str


@dataclass(frozen=True)
class WindowView:
    """One windowed view, features by name."""

    name: str
    entity: Entity
    about: str
    owner: str
    freshness_s: float
    features: Mapping[str, Feature]

    @property
    def tiles(self) -> TileTable:
        return self.entity.tiles

    @cached_property
    def measures(self) -> frozenset[str]:
        """What is compared with the learners of the course."""
        texts = [one.expression for one in self.features.values()]
        return frozenset().union(*map(expressions.measures, texts))

    @cached_property
    def relative(self) -> bool:
        """Whether it asks for more than tiles: it is computed from ``features.relative.InCourse``,
        and not from ``Merged`` alone."""
        return bool(self.measures or self._read & FACTS.keys())

    @cached_property
    def _read(self) -> set[str]:
        return {n for one in self.features.values() for n in expressions.names(one.expression)}

    @cached_property
    def windows(self) -> frozenset[Window]:
        """What its features read, besides all time."""
        read = self._read - FACTS.keys()
        return frozenset(window for name in read if (window := windows.window_of(name)))

    def only(self, names: Iterable[str]) -> WindowView:
        """The view with these features alone, for a reader who needs no others."""
        return replace(self, features={name: self.features[name] for name in names})

    def compute(self, merged: Merged, names: Iterable[str] | None = None) -> dict[str, Floats]:
        """The features (all, or ``names``) of every question; NaN is null."""
        wanted = self.features if names is None else names
        return {
            name: expressions.compiled(self.features[name].expression)(merged) for name in wanted
        }

    def rows(self, merged: Merged) -> list[dict[str, Value] | None]:
        """The features of each question as serving reads them; None where nothing is known."""
        columns = [
            [_plain(self.features[name].type, value) for value in values.tolist()]
            for name, values in self.compute(merged).items()
        ]
        return [
            dict(zip(self.features, values, strict=True)) if known else None
            for known, *values in zip(merged.known.tolist(), *columns, strict=True)
        ]


def _plain(type_: str, value: float) -> Value:
    if value != value:  # NaN
        return None
    return int(value) if type_ == "int" else value


def read_all(folder: Path = FOLDER) -> dict[str, WindowView]:
    """Every windowed view by name; a new file is a new view, nothing lists it."""
    return {path.stem: read(path) for path in sorted(folder.glob("*.toml"))}


def read(path: Path) -> WindowView:
    """The view of one file; raises ``Misconfigured`` naming the file and what is wrong with it."""
    try:
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
        entity = ENTITIES[facts["entity"]]
        if TABLES[facts["tiles"]] is not entity.tiles:
            raise Misconfigured(f"{facts['entity']} is told of by {entity.tiles.name}")
        features = {
            name: feature
            for pattern, one in facts["features"].items()
            for name, feature in _expanded(pattern, one)
        }
        for feature in features.values():
            _check(entity, feature)
        return WindowView(
            path.stem,
            entity,
            facts["about"],
            facts["owner"],
            float(facts["freshness_s"]),
            features,
        )
    except KeyError as error:
        raise Misconfigured(f"feature view {path.name}: no {error}", view=path.stem) from error
    except (Misconfigured, tomllib.TOMLDecodeError) as error:
        raise Misconfigured(f"feature view {path.name}: {error}", view=path.stem) from error


def _expanded(pattern: str, facts: Mapping[str, Any]) -> Sequence[tuple[str, Feature]]:
    unknown = facts.keys() - {"windows", "type", "unit", "expression", "about"}
    if unknown or facts["type"] not in ("int", "float"):
        raise Misconfigured(f"feature {pattern}: {', '.join(unknown) or facts['type']}?")
    text = facts.get("expression", pattern)
    return [
        (
            pattern.replace("{w}", window),
            Feature(
                facts["type"],
                facts["unit"],
                text.replace("{w}", window),
                facts.get("about", ""),
                window,
            ),
        )
        for window in facts.get("windows", [""])
    ]


def _check(entity: Entity, feature: Feature) -> None:
    expressions.compiled(feature.expression)
    in_course = entity.name == "learner_course"
    for name in expressions.names(feature.expression):
        column, _, window = name.rpartition("_")
        whole = name in ("at", "streak_days") or (column == "days" and window in ("7d", "28d"))
        whole |= in_course and name in FACTS
        if not whole and (column not in entity.tiles.columns or window not in windows.WINDOWS):
            raise Misconfigured(f"{entity.tiles.name} has no {name}")
    for measure in expressions.measures(feature.expression):
        if not in_course or expressions.measures(measure):
            raise Misconfigured(f"{measure} is no measure of a learner in a course")
        for name in expressions.names(measure):
            span = windows.WINDOWS.get(name.rpartition("_")[2])
            if name == "at" or (span is not None and span.grain < DAY):
                raise Misconfigured(f"{measure} changes by the hour: compare days or all time")
