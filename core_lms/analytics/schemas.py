"""Dashboards and the data of their panels as they cross HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

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
    queried_at: datetime
    truncated: bool
    """There were more rows than are given at once."""
