"""Hour tiles as they were known at moments of the past: counted from the archive by arrival."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from contracts.tiles import LEARNER_TILES
from features import consent
from features.online_windows import Ids
from features.settings import FeatureSettings
from features.windowed import WindowView
from features.windows import Tiles

_SQL = Path(__file__).parent / "sql"


def counted(
    connection: psycopg.Connection[Any],
    view: WindowView,
    asked: Sequence[Ids],
    arrived: Sequence[datetime],
) -> Tiles:
    """The tiles of each entity of what had arrived by its moment; none of who does not agree."""
    settings = FeatureSettings()
    with connection.transaction():
        connection.execute(
            "CREATE TEMP TABLE asked (n integer, id uuid, course_id uuid, at timestamptz) "
            "ON COMMIT DROP"
        )
        with connection.cursor() as cursor:
            with cursor.copy("COPY asked FROM STDIN") as copy:
                for n, (ids, moment) in enumerate(zip(asked, arrived, strict=True)):
                    named = dict(zip(view.entity.keys, ids, strict=True))
                    id_ = named.get(view.tiles.id_column)
                    copy.write_row((n, id_, named.get("course_id"), moment))
            cursor.execute("ANALYZE asked")
            cursor.execute(
                (_SQL / f"known_{view.tiles.name}.sql").read_text(encoding="utf-8").encode(),
                {"import_lag": settings.import_lag, "marking_lag": settings.marking_lag},
            )
            rows = cursor.fetchall()
        if view.tiles is LEARNER_TILES:
            people = {asked[n][0]: institution for n, institution, *_ in rows}
            may = consent.permitted(connection, people)
            rows = [row for row in rows if asked[row[0]][0] in may]
    found = np.array([(n, *values) for n, _, *values in rows], dtype=np.int64)
    found = found.reshape(-1, 2 + len(view.tiles.columns))
    return Tiles.of_hours(found[:, 0], found[:, 1], found[:, 2:])


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    exact = moment.astimezone(UTC)
    return int(exact.replace(microsecond=0).timestamp()) * 1_000_000 + exact.microsecond
