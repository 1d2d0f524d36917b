"""Messages for the pipeline tests: a valid event, and every way in which one can be wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from contracts.envelope import MAX_BYTES, wrap
from contracts.events.content import ContentViewed
from contracts.ids import DEFAULT_INSTITUTION, new_id


def viewed(
    at: datetime, *, course_id: str, user_id: str | None = None, clicks: int = 1, kind: str = "page"
) -> bytes:
    event = ContentViewed(
        user_id=user_id or new_id(),
        course_id=course_id,
        item_id=new_id(),
        kind=kind,
        clicks=clicks,
    )
    return wrap(
        event, institution_id=DEFAULT_INSTITUTION, source_service="test", timestamp=at
    ).encode()


def message(course_id: str, **changes: Any) -> dict[str, Any]:
    """A valid event as a dictionary; ``payload`` among the changes is merged, ``...`` removes."""
    payload = {
        "user_id": "0d6a4e0e-24b4-4a8e-8d27-1f2f6fb7a001",
        "course_id": course_id,
        "item_id": "0d6a4e0e-24b4-4a8e-8d27-1f2f6fb7a002",
        "kind": "page",
        "clicks": 3,
    }
    envelope: dict[str, Any] = {
        "event_id": new_id(),
        "event_type": "content.viewed",
        "timestamp": "2014-03-01T10:20:30Z",
        "source_service": "test",
        "schema_version": 1,
        "institution_id": DEFAULT_INSTITUTION,
    }
    payload |= changes.pop("payload", {})
    envelope |= changes | {"payload": payload}
    return _without_removed(envelope)


def _without_removed(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _without_removed(inner) if isinstance(inner, dict) else inner
        for name, inner in value.items()
        if inner is not ...
    }


def _variants() -> Iterator[tuple[str, dict[str, Any]]]:
    """Messages that are JSON: what is changed, by a name for the test's report."""
    yield "as it should be", {}
    yield "with a fraction of a second", {"timestamp": "2014-03-01T10:20:30.123456Z"}
    yield "on a leap day", {"timestamp": "2016-02-29T00:00:00Z"}
    yield "at the first moment there is", {"timestamp": "1970-01-01T00:00:00Z"}
    yield "at the last moment there is", {"timestamp": "2199-12-31T23:59:59.999999Z"}
    yield "with a field nobody knows", {"colour": "red", "payload": {"extra": {"a": [1, 2]}}}
    yield "without clicks, which has a default", {"payload": {"clicks": ...}}
    yield "with the most clicks", {"payload": {"clicks": 2**31 - 1}}
    yield "a completion", {"event_type": "content.completed", "payload": {"clicks": ...}}
    yield "a completion with an ignored field", {"event_type": "content.completed"}
    video = {"event_type": "video.played", "payload": {"clicks": ..., "position_s": 12.5}}
    yield "a video", video
    for name, position in (("before its start", -1), ("far beyond its end", 1e8), ("true", True)):
        yield f"a video {name}", video | {"payload": {"clicks": ..., "position_s": position}}
    yield "a video nowhere", {"event_type": "video.played"}
    yield "a forum post without its id", {"event_type": "forum.posted"}
    yield "no event id", {"event_id": ...}
    yield "an event id in capitals", {"event_id": "0D6A4E0E-24B4-4A8E-8D27-1F2F6FB7A001"}
    yield "a null event id", {"event_id": None}
    yield "an unknown event", {"event_type": "content.eaten"}
    yield "an event of another topic", {"event_type": "user.deleted"}
    yield "no event type", {"event_type": ...}
    yield "a version of tomorrow", {"schema_version": 2}
    yield "version zero", {"schema_version": 0}
    yield "a fractional version", {"schema_version": 1.5}
    yield "no version", {"schema_version": ...}
    yield "no payload", {"payload_": 1, "payload": {"user_id": ..., "kind": ...}}
    for name, at in (
        ("without zone", "2014-03-01T10:20:30"),
        ("with an offset", "2014-03-01T10:20:30+00:00"),
        ("as a number", 1393669230),
        ("of no day", "2014-02-30T00:00:00Z"),
        ("of no leap day", "2014-02-29T00:00:00Z"),
        ("of no hour", "2014-03-01T24:00:00Z"),
        ("of a leap second", "2014-03-01T23:59:60Z"),
        ("of year zero", "0000-03-01T00:00:00Z"),
        ("of year one", "0001-01-01T00:00:00Z"),
        ("before 1970", "1969-12-31T23:59:59Z"),
        ("after 2199", "2200-01-01T00:00:00Z"),
        ("in nanoseconds", "2014-03-01T10:20:30.123456789Z"),
        ("in words", "yesterday"),
    ):
        yield f"a moment {name}", {"timestamp": at}
    for name, clicks in (
        ("none", 0),
        ("negative", -1),
        ("too many", 2**31),
        ("far too many", 10**30),
        ("fractional", 2.5),
        ("a whole fraction", 2.0),
        ("true", True),
        ("words", "many"),
        ("a list", [3]),
        ("an object", {"n": 3}),
    ):
        yield f"clicks {name}", {"payload": {"clicks": clicks}}
    for name, kind in (
        ("missing", ...),
        ("null", None),
        ("a number", 7),
        ("true", True),
        ("empty", ""),
        ("with a space", "a b"),
        ("in capitals", "Page"),
        ("too long", "a" * 33),
        ("with the separator", "a|b"),
    ):
        yield f"kind {name}", {"payload": {"kind": kind}}
    yield "a learner in braces", {"payload": {"user_id": "{0d6a4e0e-24b4-4a8e-8d27-1f2f6fb7a001}"}}
    yield "a learner by number", {"payload": {"user_id": 28400}}
    yield "a service in capitals", {"source_service": "Test"}
    yield "an item in Arabic digits", {"payload": {"item_id": "٠" * 36}}


def _texts() -> Iterator[tuple[str, Callable[[bytes], bytes]]]:
    """What can happen to the bytes of a valid message."""
    yield (
        "with spaces and another order",
        lambda text: json.dumps(dict(reversed(json.loads(text).items())), indent=2).encode(),
    )
    yield "with escapes", lambda text: text.replace(b'"page"', b'"\\u0070age"')
    yield "cut short", lambda text: text[: len(text) // 2]
    yield "without its last brace", lambda text: text[:-1]
    yield "not UTF-8", lambda text: text.replace(b'"page"', b'"pa\xffge"')
    yield "not UTF-8 in a field nobody reads", lambda text: b'{"x":"\xff",' + text[1:]
    yield "in single quotes", lambda text: text.replace(b'"', b"'")
    yield "as a string", lambda text: json.dumps(text.decode()).encode()


def lenient() -> list[tuple[str, str, bytes]]:
    """What Flink's json format takes although the contract refuses it; see ADR 0002."""

    def text(course_id: str, **changes: Any) -> bytes:
        return json.dumps(message(course_id, **changes)).encode()

    makers: dict[str, Callable[[str], bytes]] = {
        "clicks in quotes": lambda course: text(course, payload={"clicks": "3"}),
        "null for a field with a default": lambda course: text(course, payload={"clicks": None}),
        "a version in quotes": lambda course: text(course, schema_version="1"),
        "in a list": lambda course: b"[" + text(course) + b"]",
        "something after the end": lambda course: text(course) + b" x",
        "more than the limit": lambda course: text(course, ballast="x" * MAX_BYTES),
    }
    return [(name, course_id := new_id(), make(course_id)) for name, make in makers.items()]


def corpus() -> list[tuple[str, str, bytes | None]]:
    """``(name, course_id, message)``; each has a course of its own, so that it can be found."""
    found: list[tuple[str, str, bytes | None]] = []
    for name, changes in _variants():
        course_id = new_id()
        found.append((name, course_id, json.dumps(message(course_id, **dict(changes))).encode()))
    for name, change in _texts():
        course_id = new_id()
        text = json.dumps(message(course_id), separators=(",", ":")).encode()
        found.append((name, course_id, change(text)))
    found += [
        ("null", new_id(), None),
        ("empty", new_id(), b""),
        ("JSON's null", new_id(), b"null"),
    ]
    return found
