"""A panel: one ``.sql`` file whose header says what it shows, and whose text is the query.

The header is the block of ``-- name: value`` lines the file begins with::

    -- title: Active learners
    -- question: Who is learning right now?
    -- picture: stat
    -- unit: learners
    -- label today: today, UTC

``label COLUMN`` and ``unit COLUMN`` speak about one column of the answer; ``live`` names what the
live counters answer instead of the query. A folder with panels is a
dashboard; adding a file adds a panel, nothing lists them. The pages and Grafana show the panels of
``dashboards/``, the LMS answers their queries.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from contracts.errors import Misconfigured

PICTURES = ("stat", "timeseries", "columns", "bars", "donut", "table")
"""stat: one row of numbers · timeseries: ``time`` and numbers · bars and donut: a name and a number
· table: any · columns: ``day``, the column that ``series`` names, a number named as the unit."""

UNITS = ("learners", "events", "clicks", "enrollments", "times", "percent", "seconds")

SPAN_COLUMNS = ("since_at", "until_at")
"""Columns that say which span of time the answer covers; they are a caption, not a series."""

_REQUIRED = ("title", "question", "picture", "unit", "empty")
LIVE = ("active_learners", "events_per_minute")
"""What the live counters answer (``contracts.live``)."""

_OPTIONAL = ("order", "size", "note", "span", "series", "live")
_LINE = re.compile(r"^-- ([a-z]+)(?: ([a-z][a-z0-9_]*))?: (.+)$")


@dataclass(frozen=True)
class Panel:
    """One panel; ``dashboard`` and ``name`` are its folder and file."""

    dashboard: str
    name: str
    title: str
    question: str
    """What a person reads it for."""
    picture: str
    unit: str
    empty: str
    """What to say, and to do, when there is nothing to show."""
    sql: str
    """The file's whole text: it runs as it stands here, in psql and in Grafana."""
    order: int = 100
    size: int = 6
    """Width in twelfths of the page."""
    note: str | None = None
    """How the number is defined, where the title cannot say it."""
    span: str | None = None
    """The span of time in words, where it is always the same."""
    series: str | None = None
    """The column whose values are the stacked series of a day, where the picture is columns."""
    live: str | None = None
    """The API answers it from the live counters where it can, in the query's columns; one of
    ``LIVE``."""
    labels: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)


def read(path: Path) -> Panel:
    """The panel of one file; raises ``Misconfigured`` naming the file and the line at fault."""
    text = path.read_text(encoding="utf-8")
    facts: dict[str, str] = {}
    columns: dict[str, dict[str, str]] = {"label": {}, "unit": {}}
    for line in text.splitlines():
        if not line.startswith("-- "):
            break
        found = _LINE.match(line)
        if not found:
            raise _wrong(path, f"the header line {line!r} is not `-- name: value`")
        name, column, value = found.groups()
        if column and name in columns:
            columns[name][column] = value
        elif column is None and name in (*_REQUIRED, *_OPTIONAL):
            facts[name] = value
        else:
            raise _wrong(path, f"the header knows no {line.split(':')[0][3:]!r}")
    if missing := [name for name in _REQUIRED if name not in facts]:
        raise _wrong(path, f"the header lacks {', '.join(missing)}")
    if facts["picture"] not in PICTURES:
        raise _wrong(path, f"picture is one of {', '.join(PICTURES)}")
    if (facts["picture"] == "columns") != ("series" in facts):
        raise _wrong(path, "the picture columns, and only it, says which column is its `series`")
    if facts.get("live", LIVE[0]) not in LIVE:
        raise _wrong(path, f"live is one of {', '.join(LIVE)}")
    for unit in (facts["unit"], *columns["unit"].values()):
        if unit not in UNITS:
            raise _wrong(path, f"unit {unit!r} is not one of {', '.join(UNITS)}")
    return Panel(
        dashboard=path.parent.name,
        name=path.stem,
        title=facts["title"],
        question=facts["question"],
        picture=facts["picture"],
        unit=facts["unit"],
        empty=facts["empty"],
        sql=text,
        order=_number(path, facts, "order", 100),
        size=_number(path, facts, "size", 6),
        note=facts.get("note"),
        span=facts.get("span"),
        series=facts.get("series"),
        live=facts.get("live"),
        labels=columns["label"],
        units=columns["unit"],
    )


def _number(path: Path, facts: dict[str, str], name: str, default: int) -> int:
    text = facts.get(name, str(default))
    if not text.isdecimal() or (name == "size" and not 1 <= int(text) <= 12):
        raise _wrong(path, f"{name} is a whole number{', 1 to 12' if name == 'size' else ''}")
    return int(text)


def _wrong(path: Path, what: str) -> Misconfigured:
    return Misconfigured(f"panel {path.parent.name}/{path.name}: {what}", panel=str(path))


def read_all(folder: Path) -> dict[str, dict[str, Panel]]:
    """Every panel under ``folder`` by dashboard and name, in the order they are shown."""
    found: dict[str, dict[str, Panel]] = {}
    panels = [read(path) for path in folder.glob("*/*.sql")]
    for panel in sorted(panels, key=lambda panel: (panel.dashboard, panel.order, panel.name)):
        found.setdefault(panel.dashboard, {})[panel.name] = panel
    return found
