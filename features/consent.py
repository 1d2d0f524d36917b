"""No features of who does not agree to them: none are written, what is there goes.

Features serve personal offers and say what somebody did: all of ``OF_FEATURES`` must be given.

Consent comes as events of the LMS. What a person said is kept beside the history of features; where
they said nothing, the deployment's default counts (``stack.consent``). Writing takes a shared lock
and removing an exclusive one, so that a batch on its way through another process cannot bring back
what was just removed. Moving an erased person to another id takes it too (``stack.pseudonyms``):
rows that are still under way then go under that id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from redis import Redis

from contracts.consent import OF_FEATURES
from contracts.envelope import Envelope
from contracts.events.consents import ConsentGiven, ConsentWithdrawn
from contracts.features import FeatureRow
from features import online, trail
from features.catalogue import VIEWS
from features.entities import LEARNER
from features.history import SCHEMA
from features.view import View
from stack import pseudonyms
from stack.consent import ConsentSettings

EVENTS = (ConsentGiven.TYPE, ConsentWithdrawn.TYPE)
_SQL = Path(__file__).parent / "sql" / "consent"
_LOCK = 0x4C53_0F03


def prepare(connection: psycopg.Connection[Any]) -> None:
    """Create the table where it is missing; the schema is there. What was said before Kafka's
    first message the archive knows.
    """
    connection.execute(_statement("create"))
    connection.execute(_statement("from_archive"), {"purposes": list(OF_FEATURES)})


@contextmanager
def writing(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """While rows are being written, nobody is being removed."""
    connection.execute("SELECT pg_advisory_lock_shared(%s)", [_LOCK])
    try:
        yield
    finally:
        if not connection.closed:  # a lost connection has lost its locks
            connection.execute("SELECT pg_advisory_unlock_shared(%s)", [_LOCK])


def agreed(
    connection: psycopg.Connection[Any], view: View, rows: Sequence[FeatureRow]
) -> list[FeatureRow]:
    """Those rows that may be written, as they are: all that are not about people, and of people
    who agree; of an erased person under the id that took the place of theirs.
    """
    if view.entity != LEARNER:
        return list(rows)
    new = renamed(connection, [row.entity_id for row in rows])
    rows = [
        row.model_copy(update={"entity_id": new[row.entity_id]}) if row.entity_id in new else row
        for row in rows
    ]
    ids = list({row.entity_id for row in rows})
    found = connection.execute(_statement("said"), {"user_ids": ids}).fetchall()
    said = {(user_id, purpose): given for user_id, purpose, given in found}
    settings = ConsentSettings()
    default = {
        institution_id: settings.by_default(institution_id)
        for institution_id in {row.institution_id for row in rows}
    }
    return [
        row
        for row in rows
        if all(
            said.get((row.entity_id, purpose), purpose in default[row.institution_id])
            for purpose in OF_FEATURES
        )
    ]


def heed(
    connection: psycopg.Connection[Any], client: Redis, envelopes: Iterable[Envelope]
) -> list[str]:
    """Keep what events say and remove the features of who no longer agrees; their ids."""
    said: list[Any] = [envelope for envelope in envelopes if _concerns(envelope)]
    gone = []
    if said:
        with writing(connection):
            new = renamed(connection, [one.payload.user_id for one in said])
            for one in said:
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
    """Those who were erased, with the id they have here now; asked while ``writing``."""
    return pseudonyms.among(user_ids, pseudonyms.read(connection))


def remove(connection: psycopg.Connection[Any], client: Redis, user_ids: Sequence[str]) -> None:
    """Every feature of these people: history, online rows and trails. Repeating is harmless."""
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
        client.delete(*keys)


def _concerns(envelope: Envelope) -> bool:
    return (
        envelope.event_type in EVENTS and getattr(envelope.payload, "purpose", None) in OF_FEATURES
    )


def _statement(name: str) -> bytes:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8").encode()
