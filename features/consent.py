"""Features need consent: without it no rows are written, and existing rows are removed.

Features serve personal offers and record what a person did: all of ``OF_FEATURES`` must be given.

Consent comes as events of the LMS. A person's choices are kept beside the history of features;
without a choice the deployment's default counts (``stack.consent``). Writing takes a shared lock
and removing an exclusive one, so that a batch of another process cannot bring back removed rows.
Moving an erased person to another id takes the exclusive lock too (``stack.pseudonyms``): rows of
theirs that are still in Kafka are then written under that id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from redis import Redis

from contracts.consent import OF_FEATURES
from contracts.envelope import Envelope
from contracts.events.consents import ConsentGiven, ConsentWithdrawn
from contracts.feature_views import LEARNER, View
from contracts.features import FeatureRow
from features import online, online_windows, served, trail
from features.catalogue import VIEWS
from features.history import SCHEMA
from stack import pseudonyms
from stack.consent import ConsentSettings

EVENTS = (ConsentGiven.TYPE, ConsentWithdrawn.TYPE)
_SQL = Path(__file__).parent / "sql" / "consent"
_LOCK = 0x4C53_0F03


def create(connection: psycopg.Connection[Any]) -> None:
    """Create the table where it is missing, in the schema that exists."""
    connection.execute(_statement("create"))


def prepare(connection: psycopg.Connection[Any]) -> None:
    """Create the table and fill it with choices that only the archive still has."""
    create(connection)
    connection.execute(_statement("from_archive"), {"purposes": list(OF_FEATURES)})


@contextmanager
def writing(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Hold the shared lock: while rows are written, nobody is removed."""
    connection.execute("SELECT pg_advisory_lock_shared(%s)", [_LOCK])
    try:
        yield
    finally:
        if not connection.closed:  # a lost connection has lost its locks
            connection.execute("SELECT pg_advisory_unlock_shared(%s)", [_LOCK])


def agreed(
    connection: psycopg.Connection[Any], view: View, rows: Sequence[FeatureRow]
) -> list[FeatureRow]:
    """The rows that may be written: all that are not about people, and those of people who agree.

    Rows of an erased person carry the id that replaced theirs.
    """
    if view.entity != LEARNER:
        return list(rows)
    new = renamed(connection, [row.entity_id for row in rows])
    rows = [
        row.model_copy(update={"entity_id": new[row.entity_id]}) if row.entity_id in new else row
        for row in rows
    ]
    may = permitted(connection, {row.entity_id: row.institution_id for row in rows})
    return [row for row in rows if row.entity_id in may]


def permitted(connection: psycopg.Connection[Any], people: Mapping[str, str]) -> set[str]:
    """Those of ``people`` (id → institution) who agree to all purposes of features."""
    found = connection.execute(_statement("choices"), {"user_ids": list(people)}).fetchall()
    choices = {(user_id, purpose): given for user_id, purpose, given in found}
    settings = ConsentSettings()
    default = {one: settings.by_default(one) for one in set(people.values())}
    return {
        user_id
        for user_id, institution_id in people.items()
        if all(
            choices.get((user_id, purpose), purpose in default[institution_id])
            for purpose in OF_FEATURES
        )
    }


def apply(
    connection: psycopg.Connection[Any], client: Redis, envelopes: Iterable[Envelope]
) -> list[str]:
    """Record the choices in ``envelopes`` and remove the features of people who no longer agree.

    Returns the ids of these people.
    """
    changes: list[Any] = [envelope for envelope in envelopes if _concerns(envelope)]
    gone = []
    if changes:
        with writing(connection):
            new = renamed(connection, [one.payload.user_id for one in changes])
            for one in changes:
                user_id = new.get(one.payload.user_id, one.payload.user_id)
                values = {
                    "user_id": user_id,
                    "purpose": one.payload.purpose,
                    "given": one.event_type == ConsentGiven.TYPE,
                    "changed_at": one.timestamp,
                }
                row = connection.execute(_statement("set"), values).fetchone()
                if row is not None and not row[0]:
                    gone.append(user_id)
    if gone:
        remove(connection, client, gone)
    return gone


def renamed(connection: psycopg.Connection[Any], user_ids: Sequence[str]) -> dict[str, str]:
    """The new id of each of these people who was erased; call it while ``writing``."""
    return pseudonyms.among(user_ids, pseudonyms.read(connection))


def remove(connection: psycopg.Connection[Any], client: Redis, user_ids: Sequence[str]) -> None:
    """Remove all features of these people: history, online rows, trails. Repeating is harmless."""
    views = [view for view in VIEWS.values() if view.entity == LEARNER]
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        for view in views:
            connection.execute(
                sql.SQL("DELETE FROM {} WHERE {} = ANY(%s)").format(
                    sql.Identifier(SCHEMA, view.name), sql.Identifier(view.entity.join_key)
                ),
                [list(user_ids)],
            )
        keys = [
            key
            for user_id in user_ids
            for view in views
            for key in (online.entity_key(view, user_id), trail.key(view, user_id))
        ]
        keys += [online_windows.key("learner", user_id) for user_id in user_ids]
        keys += [online_windows.written_key("learner", user_id) for user_id in user_ids]
        keys += [online_windows.progress_key(user_id) for user_id in user_ids]
        client.delete(*keys, *served.of_people(user_ids))


def _concerns(envelope: Envelope) -> bool:
    return (
        envelope.event_type in EVENTS and getattr(envelope.payload, "purpose", None) in OF_FEATURES
    )


def _statement(name: str) -> bytes:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8").encode()
