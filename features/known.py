"""Windows as they were known at moments of the past: counted from the archive by arrival.

What was dated before a moment but arrived after it is not in: whoever learns from the past must not
see more than serving saw. The tiles are merged by the function that serving uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import psycopg

from features import known_courses
from features.known_tiles import counted, micros
from features.online_windows import Ids
from features.windowed import WindowView
from features.windows import Merged


def known(
    connection: psycopg.Connection[Any],
    view: WindowView,
    asked: Sequence[Ids],
    at: Sequence[datetime],
    arrived: Sequence[datetime] | None = None,
) -> Merged:
    """The windows of each entity of ``asked`` as known at its moment of ``at``.

    With ``arrived``, windows end at ``at`` and hold what had arrived by these moments.
    Of a learner who does not agree to features nothing is known. ``asked`` are ids as texts, in the
    order of the view's join keys.
    """
    moments = np.array([micros(moment) for moment in at], dtype=np.int64)
    tiles = counted(connection, view, asked, arrived or at)
    if view.relative:
        return known_courses.known(connection, view, asked, moments, arrived or at, tiles)
    return Merged(view.tiles.columns, tiles, moments)
