"""One sentence for what fails outside of us: a server that is away, a file, a value, a setting."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

AWAY = "is it running? See `learnstream status`"

_Sentence = Callable[[Any], str]


def sentence(error: BaseException) -> str | None:
    """What to print of ``error`` instead of a traceback; None for a bug of ours.

    Of the libraries only those are asked that are imported: no other can have raised it.
    """
    for module, name, said in _KINDS:
        kind = _class(sys.modules.get(module), name)
        if kind is not None and isinstance(error, kind):
            return said(error)
    if isinstance(error, UnicodeDecodeError):
        return f"the text is not UTF-8: byte {error.start} cannot be read"
    if isinstance(error, OSError):
        if error.filename is not None:
            return f"{error.filename}: {error.strerror}"
        return f"a server does not answer ({error.strerror or error}): {AWAY}"
    return None


def _class(module: ModuleType | None, name: str) -> type[BaseException] | None:
    found = getattr(module, name, None)
    return found if isinstance(found, type) else None


def _first(error: BaseException) -> str:
    """The first line of a library's message: the rest is the statement, or a traceback."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _settings(error: Any) -> str:
    wrong = "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'value'}: {one['msg']}" for one in error.errors()
    )
    return f"{error.title} cannot be read: {wrong}"


def _request(error: Any) -> str:
    request = getattr(error, "_request", None)
    return f"{request.url.host if request else 'a server'} does not answer: {AWAY}"


_KINDS: tuple[tuple[str, str, _Sentence], ...] = (
    ("psycopg", "DataError", lambda e: f"PostgreSQL refuses a value: {_first(e)}"),
    (
        "psycopg",
        "ProgrammingError",
        lambda e: f"PostgreSQL refuses: {_first(e)} (`learnstream setup` makes the tables)",
    ),
    ("psycopg", "OperationalError", lambda e: f"PostgreSQL does not answer ({_first(e)}): {AWAY}"),
    ("redis.exceptions", "RedisError", lambda e: f"Redis does not answer ({_first(e)}): {AWAY}"),
    (
        "confluent_kafka",
        "KafkaException",
        lambda e: f"Kafka does not answer ({_first(e)}): {AWAY}",
    ),
    ("httpx", "TransportError", _request),
    ("duckdb", "Error", lambda e: f"the data cannot be read: {_first(e)}"),
    ("zipfile", "BadZipFile", lambda e: f"the file is not a zip: {_first(e)}"),
    ("yaml", "YAMLError", lambda e: f"the file is not YAML: {_first(e)}"),
    ("pydantic", "ValidationError", _settings),
)
"""Module, class, sentence; the more special class of a family first."""
