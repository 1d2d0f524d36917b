"""The errors of the whole product: one root, three branches by what the caller can do."""

from __future__ import annotations

from typing import Any


class LearnstreamError(Exception):
    """Root of every error Learnstream raises on purpose.

    ``facts`` are the named values behind the sentence (a topic, a path, a setting), kept as
    attributes so that a log line or a problem document need not parse the message.
    """

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["facts"][name]
        except KeyError:
            raise AttributeError(name) from None


class Retryable(LearnstreamError):
    """A component is unreachable for now: back off and try again."""


class Rejected(LearnstreamError):
    """The input is wrong and will stay wrong: a dead letter, or a 4xx."""


class Misconfigured(LearnstreamError):
    """The installation is wrong: stop at start, name the setting or thing and the way out."""
