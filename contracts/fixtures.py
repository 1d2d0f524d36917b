"""An example of every event, derived from its fields: repeatable, valid, different per number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import AwareDatetime
from pydantic.fields import FieldInfo

from contracts.envelope import Envelope, wrap
from contracts.event import CURRENCY_PATTERN, EVENTS, UUID_PATTERN, Event
from contracts.ids import DEFAULT_INSTITUTION, named_id

_EPOCH = datetime(2026, 2, 17, 14, 30, tzinfo=UTC)


def example(event_type: str, number: int = 0) -> Event:
    """The ``number``-th example of ``event_type``; equal numbers give equal events."""
    event = EVENTS[event_type]
    values = {
        name: _value(name, info.annotation, info, number)
        for name, info in event.model_fields.items()
    }
    return event(**values)


def example_envelope(event_type: str, number: int = 0) -> Envelope:
    """The same in its envelope, one second later per ``number``."""
    event = EVENTS[event_type]
    return wrap(
        example(event_type, number),
        institution_id=DEFAULT_INSTITUTION,
        source_service=f"{event.TOPIC.name.split('.')[1].removesuffix('s')}-service",
        timestamp=_EPOCH + timedelta(seconds=number),
        event_id=named_id("fixture", event_type, number),
    )


def _value(name: str, annotation: Any, info: FieldInfo, number: int) -> Any:
    if get_origin(annotation) is Literal:
        choices = get_args(annotation)
        return choices[number % len(choices)]
    if get_origin(annotation) in (Union, UnionType):
        inner = next(arg for arg in get_args(annotation) if arg is not type(None))
        if get_origin(inner) is Annotated:  # its bounds and pattern are not the field's own
            info, inner = FieldInfo.from_annotation(inner), get_args(inner)[0]
        return _value(name, inner, info, number)
    if annotation is AwareDatetime:
        return _EPOCH + timedelta(days=number % 3_650)
    if annotation is bool:
        return number % 2 == 0
    if annotation in (int, float):
        return annotation(_within(info, number))
    if annotation is str:
        patterns = [getattr(mark, "pattern", None) for mark in info.metadata]
        if CURRENCY_PATTERN in patterns:
            return ("EUR", "JPY", "USD")[number % 3]
        return named_id("fixture", name, number) if UUID_PATTERN in patterns else f"{name}{number}"
    raise TypeError(f"contracts.fixtures does not know how to make {name}: {annotation!r}")


def _within(info: FieldInfo, number: int) -> float:
    bounds: list[Any] = [mark.ge for mark in info.metadata if isinstance(mark, Ge)]
    bounds += [mark.gt for mark in info.metadata if isinstance(mark, Gt)]
    ceilings: list[Any] = [mark.le for mark in info.metadata if isinstance(mark, Le)]
    low = float(max(bounds, default=0))
    span = float(min([*ceilings, low + 100])) - low
    return low + (span if span <= 1 else 1 + number % span)
