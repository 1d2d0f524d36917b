"""A feature view: one ``.sql`` file that declares its features and holds every query about them.

``features/views/<view>.sql`` begins with a block of ``-- name: value`` lines::

    -- about: The item that a learner was on last
    -- check: the feature store has each learner's newest item
    -- entity: learner
    -- queue: learner_activity_due
    -- feature last_item_id: text
    -- feature last_seen_at: text, ISO 8601 in UTC
    -- trail: last_item_id by last_seen_at

``queue`` is the table of the analytical database in which an entity stands whose row is due;
``trail`` is optional. Then come the queries of ``QUERIES``, each after a line ``-- name: …``. All
that a view needs follows from its file: the derivation makes its rows, the feature store its tables
and Feast's definitions, ``verify`` its comparisons.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from contracts.errors import Misconfigured

FOLDER = Path(__file__).parents[1] / "features" / "views"

FeatureType = Literal["int", "float", "text"]
Value = int | float | str | None

QUERIES = ("rows", "newest", "past", "expected", "found")
"""What each query answers:

- rows: the features of each row of ``wanted (entity_id, institution_id, as_of)``, after these three
  columns;
- newest: ``entity_id, institution_id, as_of`` of each row of ``taken (entity_id, institution_id)``:
  its newest moment, null where nothing has happened;
- past: ``entity_id, institution_id, at`` of every moment from ``since`` to ``until`` at which a row
  was due;
- expected: the newest rows by an independent computation, in DuckDB;
- found: the same columns from the table ``history_<view>``, in DuckDB.
"""

_LINE = re.compile(r"^-- (\w+)(?: (\w+))?: (.+)$")
_INT64 = 2**63


@dataclass(frozen=True, slots=True)
class Entity:
    """What features describe; ``join_key`` names its identifier in every table and payload."""

    name: str
    join_key: str
    about: str


LEARNER = Entity("learner", "user_id", "A person who studies, by the LMS's user id")
ITEM = Entity("item", "item_id", "A piece of content of one course")
COURSE = Entity("course", "course_id", "A course; of windows only")
ENTITIES = {entity.name: entity for entity in (LEARNER, ITEM)}


@dataclass(frozen=True, slots=True)
class Trail:
    """The view's feature ``member`` is also kept as a short ordered list per entity.

    A feature keeps the newest value only; a trail keeps the last ``length`` distinct ones by the
    time in feature ``at``, which is what "recently studied" means when serving.
    """

    member: str
    at: str
    length: int = 50


@dataclass(frozen=True)
class View:
    """One feature view; ``features`` has the type of each feature, in the order of its columns."""

    name: str
    entity: Entity
    about: str
    features: Mapping[str, FeatureType]
    trail: Trail | None = None
    queue: str = ""
    check: str = field(default="", repr=False)
    """What ``verify`` calls the comparison of the view's newest rows."""
    meanings: Mapping[str, str] = field(default_factory=dict)
    """Of the features whose name does not say it all."""
    queries: Mapping[str, str] = field(default_factory=dict, repr=False)

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


def read(path: Path) -> View:
    """The view of one file; raises ``Misconfigured`` naming the file and what is wrong with it."""
    head, *named = re.split(r"^-- name: (\w+)\n", path.read_text(encoding="utf-8"), flags=re.M)
    facts: dict[str, str] = {}
    features: dict[str, FeatureType] = {}
    meanings: dict[str, str] = {}
    for line in head.strip().splitlines():
        found = _LINE.match(line)
        if found is None:
            raise _wrong(path, f"the header line {line!r} is not `-- name: value`")
        name, feature, value = found.groups()
        if name == "feature" and feature:
            type_, _, meaning = value.partition(", ")
            if type_ not in ("int", "float", "text"):
                raise _wrong(path, f"feature {feature} is an int, a float or a text, not {type_!r}")
            features[feature] = cast(FeatureType, type_)
            if meaning:
                meanings[feature] = meaning
        elif feature is None and name in ("about", "check", "entity", "queue", "trail"):
            facts[name] = value
        else:
            raise _wrong(path, f"the header knows no {line.split(':')[0][3:]!r}")
    queries = dict(zip(named[::2], (query.strip() for query in named[1::2]), strict=True))
    lacks = [name for name in ("about", "check", "entity", "queue") if name not in facts]
    if lacks or not features:
        raise _wrong(path, f"the header lacks {', '.join(lacks) or 'features'}")
    if set(queries) != set(QUERIES):
        raise _wrong(path, f"the queries are {', '.join(QUERIES)}, not {', '.join(queries)}")
    if facts["entity"] not in ENTITIES:
        raise _wrong(path, f"entity is one of {', '.join(ENTITIES)}")
    return View(
        path.stem,
        ENTITIES[facts["entity"]],
        facts["about"],
        features,
        _trail(path, facts.get("trail"), features),
        facts["queue"],
        facts["check"],
        meanings,
        queries,
    )


def read_all(folder: Path = FOLDER) -> dict[str, View]:
    """Every view by name; a new file is a new view, nothing lists it."""
    return {path.stem: read(path) for path in sorted(folder.glob("*.sql"))}


def _trail(path: Path, text: str | None, features: Mapping[str, str]) -> Trail | None:
    if text is None:
        return None
    member, _, at = text.partition(" by ")
    if member not in features or at not in features:
        raise _wrong(path, "trail is `FEATURE by FEATURE`: the member and its time")
    return Trail(member, at)


def _wrong(path: Path, what: str) -> Misconfigured:
    return Misconfigured(f"feature view {path.name}: {what}", view=path.stem)


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
