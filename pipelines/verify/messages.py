"""Reads every committed message of the event topics and counts them in DuckDB."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.json as pj

from contracts.envelope import decode
from contracts.errors import Rejected
from contracts.topics import DEAD_LETTERS, EVENT_TOPICS
from pipelines.dead_letters import Mailbox
from stack import kafka

HERE = Path(__file__).parent

BATCH = 50_000

_TEXTS = (
    *("user_id", "course_id", "item_id", "kind", "device", "submission_id", "assessment_id"),
    *("question_id", "recommendation_id", "response", "source", "model", "arm", "due_at"),
    *("purpose", "module_id", "title", "status", "language", "starts_at", "ends_at"),
)
_NUMBERS = (
    *("from_s", "to_s", "progress", "score", "points", "max_points", "seconds", "weight"),
    *("pass_score", "previous_score", "previous_points"),
)
_WHOLE = ("clicks", "attempt", "position", "revision")
_FLAGS = ("late", "passed", "correct", "previous_passed", "previous_correct", "required")
_FIELDS = (
    *((name, pa.string(), "VARCHAR") for name in _TEXTS),
    *((name, pa.float64(), "DOUBLE") for name in _NUMBERS),
    *((name, pa.int64(), "BIGINT") for name in _WHOLE),
    *((name, pa.bool_(), "BOOLEAN") for name in _FLAGS),
)
"""What is read of payloads: name, and type in a batch and in DuckDB."""
_SCHEMA = pa.schema(
    [
        ("event_id", pa.string()),
        ("event_type", pa.string()),
        ("timestamp", pa.string()),
        ("institution_id", pa.string()),
        ("payload", pa.struct([(name, arrow) for name, arrow, _ in _FIELDS])),
    ]
)
STRUCT = "STRUCT(" + ", ".join(f'"{name}" {type_}' for name, _, type_ in _FIELDS) + ")"
"""DuckDB's type of a payload; as JSON has it in ``AS_JSON``."""
AS_JSON = json.dumps({name: type_ for name, _, type_ in _FIELDS})


class Messages:
    """Counts and events in DuckDB's tables of ``messages.sql``.

    ``catch_up`` may be called again and reads only what came since.
    """

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self._db = db
        self._next: dict[kafka.Place, int] = {}
        self._begin: dict[kafka.Place, int] = {}
        self._refused: set[tuple[str, int, int]] = set()
        self.events = 0
        self.malformed: list[str] = []
        """What is wrong with messages that are no events, one sentence each."""
        self.mailbox = Mailbox()
        tables = (HERE / "messages.sql").read_text(encoding="utf-8")
        db.execute(tables.replace("{payload}", STRUCT))

    def begin(self, offsets: Mapping[kafka.Place, int]) -> None:
        """Read nothing before these offsets: it was loaded from elsewhere."""
        topics = {topic.name for topic in EVENT_TOPICS}
        self._begin = {place: at for place, at in offsets.items() if place[0] in topics}
        self._next |= self._begin

    def trouble(self) -> str | None:
        """What is wrong apart from numbers: messages nobody could read."""
        waiting = len(self.mailbox.open)
        if waiting:
            return f"{waiting} messages in {DEAD_LETTERS.name}"
        if self.malformed:  # and no dead letter reports it
            return self.malformed[-1]
        return None

    def catch_up(self, advance: Callable[[int], None] = lambda count: None) -> int:
        """Read to the end of every partition; returns the number of messages read.

        Raises ``Retryable`` where Kafka does not answer.
        """
        places = kafka.places(*(topic.name for topic in EVENT_TOPICS), DEAD_LETTERS.name)
        letters = [place for place in places if place[0] == DEAD_LETTERS.name]
        read = self._read(letters, lambda count: None)
        self._apply_letters()
        read += self._read([place for place in places if place not in letters], advance)
        self._keep_ends()
        return read

    def _read(self, places: Sequence[kafka.Place], advance: Callable[[int], None]) -> int:
        waiting: dict[str, list[bytes]] = {}
        read = 0
        for messages in kafka.remaining({place: self._next.get(place, 0) for place in places}):
            for message in messages:
                place = message.topic() or "", message.partition() or 0
                offset = message.offset() or 0
                self._next[place] = offset + 1
                if not self._refused or (*place, offset) not in self._refused:
                    waiting.setdefault(place[0], []).append(message.value() or b"")
            read += len(messages)
            for topic in [topic for topic, values in waiting.items() if len(values) >= BATCH]:
                values = waiting.pop(topic)
                self.count(topic, values)
                advance(len(values))
        for topic, values in waiting.items():
            self.count(topic, values)
            advance(len(values))
        return read

    def _apply_letters(self) -> None:
        """A message with a dead letter is no event, even if it parses as one."""
        for letter in self.mailbox.letters.values():
            key = letter.topic, letter.partition, letter.offset
            if key in self._refused:
                continue
            self._refused.add(key)
            # It was read before its letter came.
            if self._begin.get(key[:2], 0) <= key[2] < self._next.get(key[:2], 0):
                self._retract(letter.message)

    def _retract(self, value: bytes) -> None:
        batch = _parse([value])
        if batch is None or not self._into(batch, "retract.sql"):
            self.malformed = self.malformed[1:]
        else:
            self.events -= 1

    def _keep_ends(self) -> None:
        """``kafka_end``: where each partition that has messages ends."""
        self._db.execute("DELETE FROM kafka_end")
        for (topic, partition), offset in self._next.items():
            if topic != DEAD_LETTERS.name:
                end = [topic, partition, offset]
                self._db.execute("INSERT INTO kafka_end VALUES (?, ?, ?)", end)

    def count(self, topic: str, values: list[bytes]) -> None:
        """Take messages of one topic into DuckDB's tables."""
        if topic == DEAD_LETTERS.name:
            for value in values:
                self.mailbox.add(value)
            return
        batch = _parse(values)
        if batch is None or not self._into(batch, "count_batch.sql", topic):
            good = [value for value in values if self._is_event(topic, value)]
            batch = _parse(good) if good else None
            if batch is None:
                return
            self._into(batch, "count_batch.sql", topic)
        self.events += batch.num_rows

    def _into(self, batch: pa.Table, statements: str, topic: str = "") -> bool:
        """Run the statements over ``batch``; false where it holds what is no id or no moment."""
        self._db.register("batch", batch)
        self._db.execute("SET VARIABLE topic = ?", [topic])
        self._db.begin()
        try:
            self._db.execute((HERE / statements).read_text(encoding="utf-8"))
        except duckdb.ConversionException:
            self._db.rollback()
            return False
        else:
            self._db.commit()
            return True
        finally:
            self._db.unregister("batch")

    def _is_event(self, topic: str, value: bytes) -> bool:
        try:
            decode(topic, value)
        except Rejected as error:
            self.malformed.append(f"{topic}: {error}")
            return False
        return True


def _parse(values: list[bytes]) -> pa.Table | None:
    """The messages as a table; None where one of them is no event and each must be decoded."""
    try:
        table = pj.read_json(
            pa.BufferReader(b"\n".join(values)),
            read_options=pj.ReadOptions(block_size=8 << 20),
            parse_options=pj.ParseOptions(
                explicit_schema=_SCHEMA, unexpected_field_behavior="ignore"
            ),
        )
    except pa.ArrowInvalid:
        return None
    whole = table.num_rows == len(values) and table["event_id"].null_count == 0
    return table if whole else None
