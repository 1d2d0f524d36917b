"""Every event of the catalogue, found unasked: encoding, strictness, schema, documentation."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from contracts import schema
from contracts.envelope import MAX_BYTES, decode, wrap
from contracts.errors import Rejected
from contracts.event import EVENTS, Event, personal_fields
from contracts.events import LEARNER_ACTIONS
from contracts.events.content import ContentViewed
from contracts.fixtures import example, example_envelope
from contracts.ids import DEFAULT_INSTITUTION, named_id, new_id
from contracts.topics import CONTENT, EVENT_TOPICS

EVERY_EVENT = pytest.mark.parametrize("event_type", sorted(EVENTS))

REFERENCE_EVENTS = [
    "user.created",
    "user.updated",
    "user.deleted",
    "course.created",
    "course.updated",
    "course.published",
    "course.archived",
    "enrollment.created",
    "enrollment.progressed",
    "enrollment.dropped",
    "course.completed",
    "assessment.submitted",
    "assessment.graded",
    "assessment.feedback.given",
    "content.viewed",
    "content.completed",
    "video.played",
    "video.paused",
    "video.seeked",
    "forum.posted",
    "recommendation.shown",
    "recommendation.clicked",
    "recommendation.dismissed",
]


def test_the_catalogue_has_every_event_the_reference_names() -> None:
    assert set(REFERENCE_EVENTS) <= set(EVENTS)


def test_what_learners_do_is_said_by_each_event() -> None:
    content = {type_ for type_, cls in EVENTS.items() if cls.TOPIC is CONTENT}
    others = {"assessment.submitted", "recommendation.clicked", "recommendation.dismissed"}
    assert set(LEARNER_ACTIONS) >= content | others
    for type_ in content:
        assert {"user_id", "course_id", "item_id", "kind"} <= set(EVENTS[type_].model_fields)


def test_an_action_without_a_learner_is_no_learners_action() -> None:
    with pytest.raises(TypeError, match="user_id"):

        class Rained(Event, type="it.rained", topic=CONTENT, key="place", learner_action=True):
            place: str

    assert "it.rained" not in EVENTS


def test_every_event_topic_carries_an_event() -> None:
    assert {cls.TOPIC.name for cls in EVENTS.values()} == {topic.name for topic in EVENT_TOPICS}


@EVERY_EVENT
def test_an_encoded_event_decodes_to_itself(event_type: str) -> None:
    for number in range(3):
        envelope = example_envelope(event_type, number)
        assert decode(envelope.topic, envelope.encode()) == envelope


@EVERY_EVENT
def test_the_envelope_keeps_the_reference_fields(event_type: str) -> None:
    message = json.loads(example_envelope(event_type).encode())
    reference = ["event_id", "event_type", "timestamp", "source_service", "payload"]
    assert [name for name in message if name in reference] == reference
    assert set(message) - set(reference) == {"schema_version", "institution_id"}


@EVERY_EVENT
def test_an_event_without_a_required_field_is_rejected_with_the_field_named(
    event_type: str,
) -> None:
    envelope = example_envelope(event_type)
    for name, info in EVENTS[event_type].model_fields.items():
        message = json.loads(envelope.encode())
        del message["payload"][name]
        if info.is_required():
            with pytest.raises(Rejected, match=f"payload.{name}") as caught:
                decode(envelope.topic, json.dumps(message).encode())
            assert caught.value.reason == "invalid"
        else:
            decode(envelope.topic, json.dumps(message).encode())


@EVERY_EVENT
def test_a_field_this_version_does_not_know_is_ignored(event_type: str) -> None:
    envelope = example_envelope(event_type)
    message = json.loads(envelope.encode())
    message["payload"]["from_the_future"] = {"deep": [1]}
    assert decode(envelope.topic, json.dumps(message).encode()) == envelope


@EVERY_EVENT
def test_no_event_has_a_field_for_a_name_or_an_address(event_type: str) -> None:
    words = {"name", "email", "address", "phone", "ip", "text", "body"}
    if not event_type.endswith(".described"):  # the title of a course, not a person's
        words.add("title")
    assert not words & set(EVENTS[event_type].model_fields)


@EVERY_EVENT
def test_every_field_that_points_at_a_person_is_marked(event_type: str) -> None:
    marked = set(personal_fields(EVENTS[event_type]))
    people = {n for n in EVENTS[event_type].model_fields if n in ("user_id", "instructor_id")}
    assert people <= marked


@EVERY_EVENT
def test_the_stored_schema_is_compatible_with_the_class(event_type: str) -> None:
    stored = schema.stored(event_type)
    assert stored is not None, f"{event_type} has no snapshot; run: ./learnstream generate"
    reasons = schema.incompatibilities(stored, schema.schema(event_type))
    assert not reasons, (
        f"{event_type}: {reasons}. Raise `version` in its class, then run: ./learnstream generate"
    )


VIEW = example_envelope("content.viewed")


def view(**changes: object) -> bytes:
    message = json.loads(VIEW.encode())
    for path, value in changes.items():
        *parents, last = path.split("__")
        node = message
        for parent in parents:
            node = node[parent]
        node[last] = value
    return json.dumps(message).encode()


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"{", "not_json"),
        (VIEW.encode()[:-5], "not_json"),
        (b"\xff\xfe{}", "not_json"),
        (b"null", "invalid"),
        (b"[]", "invalid"),
        (b'"text"', "invalid"),
        (b"{}", "unknown_event"),
        (view(event_type="content.eaten"), "unknown_event"),
        (view(event_type=7), "unknown_event"),
        (view(event_type="user.created"), "unknown_event"),
        (view(schema_version=2), "wrong_version"),
        (view(schema_version=0), "wrong_version"),
        (view(schema_version="1"), "wrong_version"),
        (view(event_id="evt_1"), "invalid"),
        (view(event_id=str(VIEW.event_id).upper()), "invalid"),
        (view(timestamp="2026-02-17"), "invalid"),
        (view(timestamp="2026-02-30T00:00:00Z"), "invalid"),
        (view(timestamp="0001-01-01T00:00:00Z"), "invalid"),
        (view(timestamp="1969-12-31T23:59:59.999999Z"), "invalid"),
        (view(timestamp="2200-01-01T00:00:00Z"), "invalid"),
        (view(timestamp="9999-12-31T23:59:59Z"), "invalid"),
        (view(timestamp="2026-02-17T14:30:00+02:00"), "invalid"),
        (view(timestamp=1771338600), "invalid"),
        (view(payload=None), "invalid"),
        (view(payload__clicks="3"), "invalid"),
        (view(payload__clicks=3.0), "invalid"),
        (view(payload__clicks=3.5), "invalid"),
        (view(payload__clicks=0), "invalid"),
        (view(payload__clicks=-1), "invalid"),
        (view(payload__clicks=2**31), "invalid"),
        (view(payload__clicks=True), "invalid"),
        (view(payload__clicks=None), "invalid"),
        (view(payload__kind="Video"), "invalid"),
        (view(payload__kind=""), "invalid"),
        (view(payload__user_id=None), "invalid"),
        (b" " * (MAX_BYTES + 1), "too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value)[:40],
)
def test_a_bad_message_is_rejected_with_its_reason(message: bytes | None, reason: str) -> None:
    with pytest.raises(Rejected) as caught:
        decode(CONTENT.name, message)
    assert caught.value.reason == reason
    assert caught.value.detail


def test_a_text_that_no_database_can_store_is_rejected_and_one_that_only_speaks_of_it_is_not() -> (
    None
):
    shown = json.loads(example_envelope("recommendation.shown").encode())
    topic = EVENTS["recommendation.shown"].TOPIC.name

    def decoded(model: str, **more: str) -> str:
        changed = shown | {"payload": shown["payload"] | {"model": model} | more}
        envelope = decode(topic, json.dumps(changed).encode())
        found: str = envelope.payload.model_dump()["model"]
        return found

    with pytest.raises(Rejected, match=r"U\+0000") as caught:
        decoded("a\0b")
    assert caught.value.reason == "invalid"
    with pytest.raises(Rejected):
        decoded("\\\0")
    assert decoded("a\\u0000b") == "a\\u0000b"
    assert decoded("a", unknown="\0") == "a", "what nobody stores"


def test_a_rejection_does_not_repeat_the_personal_value_it_refused() -> None:
    with pytest.raises(Rejected) as caught:
        decode(CONTENT.name, view(payload__user_id="ada@example.org"))
    assert "ada@example.org" not in str(caught.value)


def test_the_missing_timestamp_is_now_and_the_missing_id_is_new() -> None:
    event = example("content.viewed")
    one, two = (
        wrap(event, institution_id=DEFAULT_INSTITUTION, source_service="content-service")
        for _ in range(2)
    )
    assert one.event_id != two.event_id
    assert abs(one.timestamp - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_timestamp_of_another_zone_travels_as_utc() -> None:
    local = datetime(2026, 2, 17, 16, 30, tzinfo=timezone(timedelta(hours=2)))
    envelope = wrap(
        example("content.viewed"),
        institution_id=DEFAULT_INSTITUTION,
        source_service="content-service",
        timestamp=local,
    )
    assert b'"timestamp":"2026-02-17T14:30:00Z"' in envelope.encode()


def test_an_event_cannot_be_changed() -> None:
    event = example("content.viewed")
    with pytest.raises(ValueError, match="frozen"):
        event.clicks = 4  # type: ignore[attr-defined]


def test_two_classes_cannot_declare_one_event() -> None:
    with pytest.raises(TypeError, match="two classes declare"):

        class Again(ContentViewed, type="content.viewed", topic=CONTENT, key="user_id"):
            pass


def test_ids_sort_by_the_time_they_were_made_and_names_repeat() -> None:
    assert named_id("a", 1) == named_id("a", 1) != named_id("a", 2)
    assert new_id()[14] == "7"
    assert named_id("a")[14] == "3"
