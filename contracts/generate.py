"""What the contracts generate: schema snapshots and ``docs/generated/events.md``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from contracts import schema
from contracts.errors import Rejected
from contracts.event import EARLIEST, EVENTS, LATEST, Event, personal_fields
from contracts.fixtures import example_envelope
from contracts.topics import EVENT_TOPICS, TOPICS

_ROOT = Path(__file__).parent.parent


def generate() -> dict[Path, str]:
    """Text of every generated file by absolute path.

    Raises ``Rejected`` where a class changed incompatibly under an unchanged version: the snapshot
    must not be rewritten over what readers rely on.
    """
    for event_type in EVENTS:
        old = schema.stored(event_type)
        if old and (reasons := schema.incompatibilities(old, schema.schema(event_type))):
            raise Rejected(
                f"{event_type} changed incompatibly: {'; '.join(reasons)}. Raise `version` in its "
                "class (older messages must still be readable), then run: ./learnstream generate",
                event_type=event_type,
                reasons=reasons,
            )
    files = {schema.snapshot_path(type_): schema.render(type_) for type_ in EVENTS}
    files[_ROOT / "docs" / "generated" / "events.md"] = "\n".join(_events_page()) + "\n"
    return files


def _events_page() -> Iterator[str]:
    yield "# Events"
    yield ""
    yield "Made by `./learnstream generate` from the classes in `contracts/events`; edit those."
    yield f"A timestamp lies from {EARLIEST.year} to {LATEST.year - 1}; others are dead letters."
    yield ""
    yield "| topic | about | events |"
    yield "|---|---|---|"
    for topic in TOPICS:
        names = ", ".join(f"`{t}`" for t, cls in EVENTS.items() if cls.TOPIC is topic)
        yield f"| `{topic.name}` | {topic.about} | {names or '–'} |"
    for topic in EVENT_TOPICS:
        yield ""
        yield f"## {topic.name}"
        for event_type, cls in EVENTS.items():
            if cls.TOPIC is topic:
                yield ""
                yield from _event_section(event_type, cls)


def _event_section(event_type: str, cls: type[Event]) -> Iterator[str]:
    yield f"### {event_type}"
    yield ""
    action = " A learner's own action." if cls.LEARNER_ACTION else ""
    yield f"{(cls.__doc__ or '').strip()}{action} Version {cls.VERSION}, key `{cls.KEY}`."
    yield ""
    yield "| field | type | required | person |"
    yield "|---|---|---|---|"
    personal = personal_fields(cls)
    payload = cls.model_json_schema(mode="validation")
    optional = {name for name, info in cls.model_fields.items() if not info.is_required()}
    for name, node in payload["properties"].items():
        mark = "yes" if name in personal else ""
        yield f"| `{name}` | {_type(node)} | {'' if name in optional else 'yes'} | {mark} |"
    yield ""
    message = json.loads(example_envelope(event_type).encode())
    yield "```json"
    yield json.dumps(message, indent=2)
    yield "```"


def _type(node: dict[str, object]) -> str:
    if "anyOf" in node:
        return " or ".join(_type(branch) for branch in node["anyOf"])  # type: ignore[attr-defined]
    if "enum" in node:
        return ", ".join(f"`{value}`" for value in node["enum"])  # type: ignore[attr-defined]
    name = str(node.get("format") or node["type"])
    low = node.get("minimum", node.get("exclusiveMinimum"))
    high = node.get("maximum")
    return (
        name if low is None and high is None else f"{name} {low}…{high if high is not None else ''}"
    )
