"""JSON Schema of every event, and the rule by which a change of one is compatible.

The stored snapshots under ``contracts/schemas`` are what readers in the world rely on. A change
that an existing reader or message would not survive needs a higher ``version`` in the class.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contracts.envelope import ENVELOPES
from contracts.event import EARLIEST, EVENTS, LATEST

SNAPSHOTS = Path(__file__).parent / "schemas"

_NARROWING_LOW = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_NARROWING_HIGH = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")


def schema(event_type: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of a whole message of ``event_type``, envelope included."""
    body = ENVELOPES[event_type].model_json_schema(mode="validation")
    event = EVENTS[event_type]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **body,
        "title": event_type,
        "description": (event.__doc__ or "").strip(),
        "x-topic": event.TOPIC.name,
        "x-key": event.KEY,
        "x-version": event.VERSION,
        # Of every date-time in it; JSON Schema has no word for this.
        "x-timestamps": {"from": EARLIEST.isoformat(), "before": LATEST.isoformat()},
    }


def snapshot_path(event_type: str) -> Path:
    return SNAPSHOTS / f"{event_type}.json"


def render(event_type: str) -> str:
    return json.dumps(schema(event_type), indent=2, sort_keys=True) + "\n"


def stored(event_type: str) -> dict[str, Any] | None:
    """The snapshot of ``event_type``, or None for an event that was never stored."""
    path = snapshot_path(event_type)
    if not path.exists():
        return None
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def incompatibilities(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Why readers of ``old`` or messages written under it would break under ``new``.

    Empty where the change is safe (nothing changed, an optional field came, a bound was widened)
    and where the version was raised, which is how an incompatible change is made on purpose.
    """
    if new["x-version"] > old["x-version"]:
        return []
    found = [
        f"{name[2:]} changed from {old[name]} to {new[name]}"
        for name in ("x-topic", "x-key")
        if old[name] != new[name]
    ]
    return found + list(_compare("", old, new, old, new))


def _resolve(node: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    reference = node.get("$ref")
    if reference is None:
        return node
    target: Any = root
    for part in reference.removeprefix("#/").split("/"):
        target = target[part]
    return {**target, **{key: value for key, value in node.items() if key != "$ref"}}


def _compare(
    path: str,
    old: dict[str, Any],
    new: dict[str, Any],
    old_root: dict[str, Any],
    new_root: dict[str, Any],
) -> Iterator[str]:
    old, new = _resolve(old, old_root), _resolve(new, new_root)
    before, after = old.get("properties", {}), new.get("properties", {})
    here = path or "the event"
    for name in sorted(before.keys() - after.keys()):
        yield f"{path}{name} was removed"
    for name in sorted(set(new.get("required", [])) - set(old.get("required", []))):
        yield f"{path}{name} became required"
    for name in sorted(set(old.get("required", [])) - set(new.get("required", []))):
        yield f"{path}{name} is no longer required, and readers rely on it"
    for name in sorted(before.keys() & after.keys()):
        yield from _compare(f"{path}{name}.", before[name], after[name], old_root, new_root)
    for word in ("type", "format", "pattern", "anyOf"):
        if old.get(word) != new.get(word):
            yield f"{here.rstrip('.')}: {word} changed from {old.get(word)} to {new.get(word)}"
    if missing := _values(old) - _values(new):
        if _values(new):
            yield f"{here.rstrip('.')}: no longer allows {sorted(missing)}"
    elif _values(new) and not _values(old):
        yield f"{here.rstrip('.')}: is now limited to {sorted(_values(new))}"
    for word in _NARROWING_LOW:
        if word in new and new[word] > old.get(word, float("-inf")):
            yield f"{here.rstrip('.')}: {word} rose from {old.get(word)} to {new[word]}"
    for word in _NARROWING_HIGH:
        if word in new and new[word] < old.get(word, float("inf")):
            yield f"{here.rstrip('.')}: {word} fell from {old.get(word)} to {new[word]}"


def _values(node: dict[str, Any]) -> set[str]:
    return {str(node["const"])} if "const" in node else set(map(str, node.get("enum", ())))
