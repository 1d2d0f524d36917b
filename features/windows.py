"""Windows merged from tiles as of a moment: the one function that serving and training share.

As of a moment t, whatever the tiles are:

- a window of hours (``1h``, ``1d``) takes the hour tiles that overlap (t - length, t]: the hour
  of t and the 1 or 24 before it. So it covers its length and up to an hour more, and an event of
  a minute ago is never left out because the clock struck;
- a window of days (``7d``, ``28d``) takes the days (UTC) that begin in (t - length, t]: the day
  of t so far and the 6 or 27 before it. So it never holds more than 7 or 28 active days;
- ``all`` takes everything known, also what a clock ahead dates after t.

A tile that begins after t is in no other window. Only mergeable partials are kept: sums (counts and
sums of squares are sums), least and greatest, and how many day tiles are not empty. All are whole
numbers (``contracts.tiles.Column``), so the result does not depend on the order of tiles, nor on
how many partial sums a tile came in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from contracts.tiles import Column

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

HOUR, DAY, ALL = 0, 1, 2
"""What a tile spans."""
HOURS_KEPT = 25
DAYS_KEPT = 35
"""How far back hour and day tiles are read online, the current ones included."""
HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """The last ``tiles`` tiles of a grain, that of the moment included."""

    grain: int
    tiles: int


WINDOWS: Mapping[str, Window] = {
    "1h": Window(HOUR, 2),
    "1d": Window(HOUR, HOURS_KEPT),
    "7d": Window(DAY, 7),
    "28d": Window(DAY, 28),
    "all": Window(ALL, 0),
}


def window_of(name: str) -> Window | None:
    """The window that a name of ``Merged.value`` reads. Raises ``KeyError`` for one of none."""
    if name == "at":
        return None
    return Window(DAY, DAYS_KEPT) if name == "streak_days" else WINDOWS[name.rpartition("_")[2]]


def tiles_of(windows: Iterable[Window], at_us: int) -> set[tuple[int, int]]:
    """Grain and beginning (hours since 1970) of each tile in these windows as of the moment."""
    hour = at_us // HOUR_US
    found = set()
    for window in windows:
        for ago in range(window.tiles):
            begins = hour - ago if window.grain == HOUR else (hour // 24 - ago) * 24
            found.add((window.grain, begins))
    return found


@dataclass(frozen=True)
class Tiles:
    """``n`` tiles, in whatever order: whose question each answers, its grain, when it begins (hours
    since 1970; any for ``ALL``), and its values, ``(n, columns)``."""

    asked: Ints
    grain: Ints
    begins: Ints
    values: Ints

    @classmethod
    def of_hours(cls, asked: Ints, begins: Ints, values: Ints) -> Tiles:
        """Hour tiles, and the day tiles and all-time sums that they add up to."""
        grains = [np.full(len(asked), grain) for grain in (HOUR, DAY, ALL)]
        return cls(
            np.tile(asked, 3),
            np.concatenate(grains),
            np.tile(begins, 3),
            np.tile(values, (3, 1)),
        )


class Merged:
    """The windows of ``m`` questions, each an entity as of a moment; see ``value``."""

    def __init__(self, columns: Mapping[str, Column], tiles: Tiles, at_us: Ints) -> None:
        order = np.argsort(tiles.asked, kind="stable")
        self._columns = columns
        self._at = at_us
        self._asked = tiles.asked[order]
        self._grain = tiles.grain[order]
        self._values = tiles.values[order]
        begins = tiles.begins[order]
        hour = (at_us // HOUR_US)[self._asked]
        # How many tiles ago: 0 is the current one, less than 0 lies ahead.
        self._ago = np.where(self._grain == DAY, hour // 24 - begins // 24, hour - begins)
        self._windows: dict[str, Ints] = {}

    @cached_property
    def known(self) -> npt.NDArray[np.bool_]:
        """Whether anything at all is known of the entity; where not, every feature is null."""
        return np.bincount(self._asked, minlength=len(self._at)) > 0

    @cached_property
    def active(self) -> npt.NDArray[np.bool_]:
        """``(m, DAYS_KEPT)``: whether the day so many days ago is not empty, that is has a
        moment."""
        last = list(self._columns).index("last_at")
        inside = (self._grain == DAY) & (self._ago >= 0) & (self._ago < DAYS_KEPT)
        inside &= self._values[:, last] != 0
        found = np.zeros((len(self._at), DAYS_KEPT), dtype=bool)
        found[self._asked[inside], self._ago[inside]] = True
        return found

    def value(self, name: str) -> Floats:
        """Of each question: ``<column>_<window>``, where ``days_7d`` and ``days_28d`` count days
        that are not empty and ``streak_days`` those in a row; ``at`` is the moment asked for.

        Moments are seconds since 1970. NaN where nothing is known, or there is no moment. Raises
        ``KeyError`` for any other name.
        """
        if name == "at":
            return self._at / 1e6
        if name == "streak_days":
            return self._known_only(self._streak())
        column, _, window = name.rpartition("_")
        if column == "days":
            return self._known_only(self.active[:, : WINDOWS[window].tiles].sum(axis=1))
        declared = self._columns[column]
        merged = self._window(window)[:, list(self._columns).index(column)]
        found = merged / declared.scale if declared.scale > 1 else merged.astype(np.float64)
        if declared.is_moment:
            found[merged == 0] = np.nan
        return self._known_only(found)

    def _streak(self) -> Ints:
        """Days in a row until today, or yesterday: a streak lasts until a day has passed
        without."""
        until = np.where(self.active[:, 0], 0, 1)
        days = np.arange(DAYS_KEPT)
        unbroken = np.logical_and.accumulate(self.active | (days < until[:, None]), axis=1)
        days_in_row: Ints = np.maximum(unbroken.sum(axis=1) - until, 0)
        return days_in_row

    def _window(self, name: str) -> Ints:
        if name not in self._windows:
            window = WINDOWS[name]
            inside = self._grain == window.grain
            if window.grain != ALL:
                inside &= (self._ago >= 0) & (self._ago < window.tiles)
            self._windows[name] = self._merge(inside)
        return self._windows[name]

    def _merge(self, inside: npt.NDArray[np.bool_]) -> Ints:
        found = np.zeros((len(self._at), len(self._columns)), dtype=np.int64)
        asked = self._asked[inside]
        if not len(asked):
            return found
        starts = np.flatnonzero(np.diff(asked, prepend=-1))
        values = self._values[inside]
        sums = np.add.reduceat(values, starts, axis=0)
        for number, column in enumerate(self._columns.values()):
            if column.partial == "max":  # no moment is 0, the least of all
                sums[:, number] = np.maximum.reduceat(values[:, number], starts)
            elif column.partial == "min":
                none = np.iinfo(np.int64).max
                least = np.where(values[:, number] == 0, none, values[:, number])
                least = np.minimum.reduceat(least, starts)
                sums[:, number] = np.where(least == none, 0, least)
        found[asked[starts]] = sums
        return found

    def _known_only(self, values: npt.NDArray[np.generic]) -> Floats:
        found: Floats = np.where(self.known, values, np.nan)
        return found
