"""What is searched for, and what was found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Trace:
    """A place in which the person was found, and how often (rows, keys, messages, lines, bytes).

    ``until`` says when it goes by itself; None: nothing takes it away.
    """

    store: str
    place: str
    count: int
    until: str | None = None


class Wanted:
    """The bytes that name a person: the id as text, as 16 bytes and as hex, and their words."""

    def __init__(
        self,
        user_id: UUID | None = None,
        words: Iterable[str] = (),
        erased_at: datetime | None = None,
    ) -> None:
        self.erased_at = erased_at
        """When the person was erased, if so: what is from before then goes by and by."""
        spellings = {one for word in words for one in (word, word.lower(), word.upper()) if one}
        binary = set()
        if user_id is not None:
            text = str(user_id)
            spellings |= {text, text.upper(), user_id.hex}
            binary = {user_id.bytes, text.encode("utf-32-le")}  # as numpy keeps texts
        encoded = {one.encode() for one in spellings}
        written = {one.hex().encode() for one in encoded}  # bytes that were written as text
        self.needles = tuple(sorted(encoded | written | binary))

    def within(self, data: bytes | memoryview | None) -> bool:
        if not data:
            return False
        content = bytes(data)
        return any(needle in content for needle in self.needles)

    def times(self, data: bytes) -> int:
        return sum(data.count(needle) for needle in self.needles)
