"""Makes the history of features again, or for a time before there was one: rows of the past.

The rows come from the query that the stream uses (``rows`` of ``features/views/<view>.sql``), as of
past moments, and go the same way: ``lms.features``, marked as past, so that they enter the history
that training joins with and leave the online store alone. A row that is there already stays the
same.

What was overwritten since is lost: a row of the past has a changed score, a moved due date and a
late event as they are now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection

from contracts.errors import Rejected
from pipelines.derive.features import VIEWS, FeaturePublisher, Wanted, query, rows
from stack import postgres

AT_ONCE = 2_000
"""Rows of one statement, flushed to Kafka together."""

EVERY = {
    "day": "SELECT entity_id, institution_id, max(at) FROM ({}) AS moments "
    "GROUP BY entity_id, institution_id, date_trunc('day', at, 'UTC') ORDER BY 3",
    "event": "SELECT DISTINCT entity_id, institution_id, at FROM ({}) AS moments ORDER BY 3",
}


def backfill(
    views: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    every: str = "day",
    say: Callable[[str, int], None] = lambda view, count: None,
) -> dict[str, int]:
    """Publish the rows of these views (none: all) of a span of time; returns how many of each.

    Raises ``Rejected`` for an unknown view and ``Retryable`` where Kafka does not answer; repeating
    it is harmless.
    """
    for view in views:
        if view not in VIEWS:
            raise Rejected(f"there is no feature view {view!r}; there are {', '.join(VIEWS)}")
    span = {
        "since": since or datetime(1, 1, 1, tzinfo=UTC),
        "until": until or datetime(9999, 12, 31, tzinfo=UTC),
    }
    publisher, sent = FeaturePublisher(), {}
    options = "-c timezone=UTC -c jit=off"
    with (
        closing(postgres.connect_analytics(options=options)) as listing,
        closing(postgres.connect_analytics(options=options, autocommit=True)) as asking,
    ):
        for view in views or VIEWS:
            sent[view] = 0
            for wanted in _moments(listing, view, span, every):
                found = rows(asking, view, wanted)
                past = (row.model_copy(update={"past": True}) for row in found)
                sent[view] += publisher.send(past)
                say(view, sent[view])
            listing.rollback()
    return sent


def _moments(
    connection: Connection[Any], view: str, span: dict[str, datetime], every: str
) -> Iterator[Sequence[Wanted]]:
    listed = EVERY[every].format(query(view, "past"))
    with connection.cursor(name=f"moments_{view}") as cursor:
        cursor.execute(listed.encode(), span)
        while wanted := cursor.fetchmany(AT_ONCE):
            yield wanted
