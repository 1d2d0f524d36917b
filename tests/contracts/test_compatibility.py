"""The rule that decides whether a changed event needs a new version."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from contracts import schema

Schema = dict[str, Any]
OLD = schema.schema("content.viewed")


def payload(root: Schema) -> Schema:
    node: Schema = root["$defs"]["ContentViewed"]
    return node


def changed(change: Callable[[Schema], object]) -> Schema:
    new = copy.deepcopy(OLD)
    change(new)
    return new


def test_an_unchanged_event_is_compatible() -> None:
    assert schema.incompatibilities(OLD, copy.deepcopy(OLD)) == []


def test_a_new_optional_field_is_compatible() -> None:
    new = changed(lambda s: payload(s)["properties"].update(from_the_future={"type": "string"}))
    assert schema.incompatibilities(OLD, new) == []


def test_a_wider_bound_is_compatible() -> None:
    new = changed(lambda s: payload(s)["properties"]["clicks"].update(minimum=0))
    assert schema.incompatibilities(OLD, new) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda s: payload(s)["properties"].pop("kind"), "payload.kind was removed"),
        (lambda s: payload(s)["required"].append("clicks"), "payload.clicks became required"),
        (lambda s: payload(s)["required"].remove("kind"), "no longer required"),
        (lambda s: payload(s)["properties"]["clicks"].update(type="string"), "type changed"),
        (lambda s: payload(s)["properties"]["clicks"].update(maximum=9), "maximum fell"),
        (lambda s: payload(s)["properties"]["clicks"].update(minimum=5), "minimum rose"),
        (lambda s: payload(s)["properties"]["kind"].update(enum=["page"]), "limited to"),
        (lambda s: s.update({"x-topic": "lms.other.events"}), "topic changed"),
        (lambda s: s.update({"x-key": "course_id"}), "key changed"),
    ],
)
def test_a_change_that_breaks_readers_is_named(
    change: Callable[[Schema], object], complaint: str
) -> None:
    reasons = schema.incompatibilities(OLD, changed(change))
    assert any(complaint in reason for reason in reasons), reasons


def test_a_raised_version_makes_any_change_deliberate() -> None:
    new = changed(lambda s: payload(s)["properties"].pop("kind"))
    new["x-version"] = OLD["x-version"] + 1
    assert schema.incompatibilities(OLD, new) == []
