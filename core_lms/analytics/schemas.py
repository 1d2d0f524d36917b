"""Dashboards and the data of their panels as they cross HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

Scope = Literal["installation", "institution", "courses", "self"]


class PanelSummary(BaseModel):
    """What a panel shows; ``data`` is where its data is."""

    name: str
    title: str
    question: str
    picture: str
    unit: str
    note: str | None
    data: str


class Dashboard(BaseModel):
    """A dashboard and its panels in the order they are shown."""

    name: str
    panels: list[PanelSummary]


class Dashboards(BaseModel):
    """All dashboards."""

    items: list[Dashboard]


class OwnScope(BaseModel):
    """Whose rows the caller sees."""

    scope: Scope


class Title(BaseModel):
    """What a course or an item is called, and where it came from."""

    title: str
    source: str | None


class Learner(BaseModel):
    """Somebody who studied or joined lately."""

    id: UUID
    name: str
    invented: bool
    last_at: datetime | None
    events: int
    """Of the last seven days."""


class Learners(BaseModel):
    """The newest first."""

    items: list[Learner]


class LearnerAction(BaseModel):
    """One thing a learner did."""

    event_id: UUID
    at: datetime
    event_type: str
    course_id: UUID | None
    item_id: UUID | None
    kind: str | None


class Activity(BaseModel):
    """A learner, and what they did last, the newest first."""

    id: UUID
    name: str
    invented: bool
    may_act: bool
    """Whether the caller may study here: it is them, or the local demo lets them act."""
    withheld: bool
    """They did not consent to being shown."""
    activity: list[LearnerAction]
    names: dict[str, Title]


class Column(BaseModel):
    """A column of the answer."""

    name: str
    label: str
    unit: str | None


class PanelData(BaseModel):
    """A panel's answer about the rows of ``scope``; ids are what courses, items and people have."""

    dashboard: str
    panel: str
    title: str
    unit: str
    scope: Scope
    columns: list[Column]
    rows: list[list[Any]]
    since_at: datetime | None
    until_at: datetime | None
    """The span of time that the answer covers, where it says so."""
    names: dict[str, Title]
    """Of the courses and items among the rows, by id."""
    queried_at: datetime
    truncated: bool
    """There were more rows than are given at once."""
