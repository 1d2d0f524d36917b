"""What people write, sealed like their profiles: forum posts, answers, and what is said of work.

A post is sealed with its writer's data key; an answer and what is said of it with the learner's.
Each text is bound to its person, its column and its row. Whoever is erased has no key any more:
then there is nothing to show, and nothing more is written about them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core_lms.sealing.person import DataKey
from gateway.errors import Conflict


@dataclass(frozen=True, slots=True)
class Text:
    """A column ``<name>_sealed`` of ``table``, whose rows have the primary key ``key``."""

    table: str
    name: str
    key: tuple[str, ...]

    @property
    def column(self) -> str:
        return f"{self.name}_sealed"

    def seal(self, key: DataKey, value: Any, *ids: object) -> bytes | None:
        """``value`` (a text, or an object of JSON) for the row with these ids; None stays None."""
        return (
            None
            if value is None
            else key.seal(self._place(ids), json.dumps(value, ensure_ascii=False))
        )

    def open(self, key: DataKey | None, row: Mapping[str, Any]) -> Any:
        """What was sealed in ``row``; None where nothing is, or nobody has the key any more.

        A row that `learnstream migrate` has not sealed yet is as it is.
        """
        sealed = row[self.column]
        if sealed is None:
            return row.get(self.name)
        if key is None:
            return None
        return json.loads(key.open(self._place(tuple(row[name] for name in self.key)), sealed))

    def _place(self, ids: tuple[object, ...]) -> str:
        return "/".join([f"{self.table}.{self.name}", *map(str, ids)])


POST = Text("content_views", "text", ("id",))
ANSWER = Text("attempt_questions", "answer", ("attempt_id", "question_id"))
REMARK = Text("attempt_questions", "feedback", ("attempt_id", "question_id"))
FEEDBACK = Text("feedback", "text", ("id",))
WHY = Text("grade_history", "why", ("id",))

TEXTS = (POST, ANSWER, REMARK, FEEDBACK, WHY)


def writing(user_id: object, wrapped: bytes | None) -> DataKey:
    """The key that seals what a person writes, or what is written about their work.

    Raises ``Conflict`` for somebody who was erased.
    """
    if wrapped is None:
        raise Conflict(f"user {user_id} was erased: nothing can be written for them")
    return DataKey.unwrap(user_id, wrapped)


def reading(user_id: object, wrapped: bytes | None) -> DataKey | None:
    """The key that opens a person's texts; None: they were erased."""
    return None if wrapped is None else DataKey.unwrap(user_id, wrapped)


def opened(table: str, key: DataKey | None, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of ``table`` with its texts in the clear under their names."""
    texts = {text.column: text for text in TEXTS if text.table == table}
    clear = {name: value for name, value in row.items() if name not in texts}
    return clear | {text.name: text.open(key, row) for text in texts.values()}
