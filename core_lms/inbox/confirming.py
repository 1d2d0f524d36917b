"""Whether the LMS itself says what an event says: a message in Kafka is no authority.

Each context states in its ``confirm.sql``, under the type of an event, the row of its own that has
to be there before anybody acts on one: ids that belong together, a state that was reached. The
inbox asks before it calls a handler. The statement sees the payload's fields, ``event_id`` and
``at`` (the event's time), and the rows of the event's institution only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path

from contracts.envelope import Envelope
from contracts.errors import Misconfigured
from core_lms.inbox.declarations import CORE_LMS, Consumer
from core_lms.unit import Unit

_heading = re.compile(r"^-- name: (\S+)\n", re.MULTILINE)


@cache
def statements(root: Path = CORE_LMS) -> Mapping[str, str]:
    """Of every context, by event type; raises ``Misconfigured`` for a type that two confirm."""
    found: dict[str, str] = {}
    for path in sorted(root.glob("*/confirm.sql")):
        _, *parts = _heading.split(path.read_text(encoding="utf-8"))
        for event_type, text in zip(parts[::2], parts[1::2], strict=True):
            if event_type in found:
                raise Misconfigured(f"{path}: {event_type} is confirmed elsewhere", path=path)
            found[event_type] = text.strip()
    return found


def check(consumers: Collection[Consumer]) -> None:
    """Raises ``Misconfigured`` for an event that a consumer wants and nobody confirms."""
    for consumer in consumers:
        missing = consumer.event_types - statements().keys()
        if missing and consumer.confirms:
            raise Misconfigured(
                f"{consumer.name} acts on {', '.join(sorted(missing))}: say in the confirm.sql of "
                "its context which row has to be there",
                consumer=consumer.name,
            )


async def confirmed(unit: Unit, envelope: Envelope) -> bool:
    """One statement; the unit's institution is the event's."""
    values = envelope.payload.model_dump(mode="json")
    values |= {"event_id": envelope.event_id, "at": envelope.timestamp}
    await unit.cursor.execute(statements()[envelope.event_type].encode(), values)
    return unit.cursor.rowcount > 0
