"""Reading ``lms.dead-letters``: each refused message once, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import ValidationError

from contracts.dead_letters import DeadLetter, Resolution
from contracts.errors import Rejected
from contracts.topics import DEAD_LETTERS
from stack import kafka

"""Kafka has stopped answering when nothing comes for this long before the end."""


@dataclass(slots=True)
class Mailbox:
    """Letters by ``topic/partition/offset``, oldest refusal first, and how some were resolved."""

    letters: dict[str, DeadLetter] = field(default_factory=dict)
    resolutions: dict[str, Resolution] = field(default_factory=dict)

    def add(self, value: bytes) -> None:
        """Take one message of the topic; what is none of ours is passed over."""
        try:
            resolution = Resolution.model_validate_json(value)
        except ValidationError:
            pass
        else:
            self.resolutions[resolution.message_key] = resolution
            return
        try:
            letter = DeadLetter.model_validate_json(value)
        except ValidationError:
            return  # somebody wrote here by hand
        known = self.letters.get(letter.message_key)
        if known is None or letter.failed_at < known.failed_at:
            self.letters[letter.message_key] = letter

    @property
    def open(self) -> list[DeadLetter]:
        """Letters that wait for somebody, oldest refusal first."""
        return [letter for letter in self.all if letter.message_key not in self.resolutions]

    @property
    def all(self) -> list[DeadLetter]:
        return sorted(self.letters.values(), key=lambda letter: letter.failed_at)

    def find(self, key: str) -> DeadLetter:
        """Raises ``Rejected`` for a key that no letter has."""
        if key not in self.letters:
            raise Rejected(
                f"there is no dead letter {key}: see learnstream dead-letters list", key=key
            )
        return self.letters[key]


def read() -> Mailbox:
    """Everything up to now; raises ``Retryable`` without Kafka."""
    mailbox = Mailbox()
    for messages in kafka.remaining(dict.fromkeys(kafka.places(DEAD_LETTERS.name), 0)):
        for message in messages:
            mailbox.add(message.value() or b"")
    return mailbox


def letters() -> list[DeadLetter]:
    """Every dead letter up to now, resolved or not, oldest refusal first."""
    return read().all
