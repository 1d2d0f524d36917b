"""Erased people as the analytical database knows them: by the digest of the old id, the new one.

Whoever writes ids of people there reads this under a shared lock that ``move_person`` (migration
0035) takes exclusively: what Kafka still holds of somebody, or brings later, then goes under the id
that their rows have. See docs/adr/0014-erasure-by-a-new-id.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from psycopg import Connection

Pseudonyms = Mapping[bytes, str]
"""Digest of the old id → the new id."""


def read(connection: Connection[Any]) -> dict[bytes, str]:
    """Everybody whose old id may still come; few: they are kept for as long as Kafka's messages."""
    return dict(connection.execute("SELECT digest, pseudonym::text FROM erasures").fetchall())


def digest(id_: str) -> bytes:
    """SHA-256 of an old id, 32 bytes: the table holds no id that was erased."""
    return sha256(id_.encode()).digest()


def among(ids: Iterable[str], pseudonyms: Pseudonyms) -> dict[str, str]:
    """Those of ``ids`` that are old ones, with the new."""
    if not pseudonyms:
        return {}
    found = ((id_, pseudonyms.get(digest(id_))) for id_ in set(ids))
    return {id_: new for id_, new in found if new is not None}
