"""What the pipelines know of lineage: which job makes which table, and from what."""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.event import EVENTS
from contracts.events import LEARNER_ACTIONS
from contracts.lineage import ARCHIVE, Edge, Node, events_of, sources
from contracts.topics import CONTENT, Topic
from pipelines import job as stream
from pipelines.derive import job as derive
from pipelines.views import catalogue as views

_CONTENT = ("learner_minute", "item_delta", "day_before", "item_before")
_ACTIONS = ("active_day", "session_before", "neighbours", "time_delta", "session_fragment")
"""What the inputs of a step are made of; of the others a job names the events that it means."""


def edges() -> Iterator[Edge]:
    """Flink's jobs read topics; derived ones the inputs of a step, the archive, each other."""
    for job in stream.catalogue().values():
        node = Node("job", job.name)
        for topic in job.reads:
            for type_ in _read(topic, job.sql_path.read_text(encoding="utf-8")):
                yield Node("event", type_), node
        for table in job.tables:
            yield node, Node("table", table.name)
    for derived in derive.catalogue().values():
        node = Node("job", derived.name)
        for event in _events(derived):
            yield event, node
        for name in derived.reads:
            yield Node("table", name), node
        for table in derived.tables:
            yield node, Node("table", table.name)
    for view in views.catalogue().values():
        jobs = {*stream.catalogue(), *derive.catalogue()} & set(re.findall(r"\w+", view.source))
        for name in jobs or {view.source}:  # the archive, the monitor
            yield Node("job", name), Node("table", view.name)
        if view.name != ARCHIVE:
            for source in sources(view.sql):
                if source.name != view.name:
                    yield source, Node("table", view.name)


def _read(topic: Topic, sql: str) -> set[str]:
    """The events of a topic that a job does not leave out at once."""
    name = f"{topic.name.split('.')[1]}_events"
    after = re.findall(rf"FROM {name}\b(\s+WHERE event_type (?:IN \([^)]*\)|= '[^']*'))?", sql)
    of_topic = {type_ for type_, event in EVENTS.items() if topic == event.TOPIC}
    if not all(after):
        return of_topic
    return of_topic & {event.name for text in after for event in events_of(text)}


def _events(derived: derive.Derived) -> set[Node]:
    found: set[Node] = set()
    inputs = set(derived.reads) & {*derive.INPUTS, ARCHIVE}
    if inputs & set(_CONTENT):
        found |= {Node("event", one) for one, event in EVENTS.items() if CONTENT == event.TOPIC}
    if inputs & set(_ACTIONS):
        found |= {Node("event", one) for one in LEARNER_ACTIONS}
    if inputs - {*_CONTENT, *_ACTIONS}:
        sql = "\n".join(derived.statements())
        if "WHERE content" in sql:
            sql += f"'{CONTENT.name}'"
        found |= set(events_of(sql))
    return found
