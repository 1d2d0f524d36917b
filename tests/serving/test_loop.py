"""The loop on real servers: study over HTTP, features, a trained model, recommendations, events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import cycle, islice, pairwise
from typing import Any

import httpx
import pytest

from contracts.envelope import Envelope, decode
from contracts.ids import DEFAULT_INSTITUTION, new_id
from contracts.topics import FEATURES, RECOMMENDATIONS
from core_lms.access.operator import OperatorAuth
from features import served
from features.recommender.candidates import LEARNER
from stack import cli, kafka, postgres
from stack import redis as stack_redis
from stack.http import HttpSettings
from tests.waiting import until, until_equal

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

PROCESSES = ("lms", "relay", "features", "serving")
ITEMS = 30
TEXTS = [
    "How chlorophyll catches light",
    "Where the oxygen of a leaf comes from",
    "Sugar made out of air",
]


@pytest.fixture(scope="module")
def running(stack: Any) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LMS_FEATURES_SKEW_RATE", "1")
        assert cli.call("up", *PROCESSES) == 0
    yield
    cli.call("down", *PROCESSES)


@pytest.fixture(scope="module")
def http(running: None) -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10, auth=OperatorAuth(DEFAULT_INSTITUTION, "test")) as client:
        yield client


def lms(path: str) -> str:
    return f"{HttpSettings().lms_url}/api/v1{path}"


def serving(path: str) -> str:
    return f"{HttpSettings().serving_url}{path}"


def made(response: httpx.Response) -> dict[str, Any]:
    assert response.is_success, response.text
    body: dict[str, Any] = response.json()
    return body


def person(http: httpx.Client, role: str) -> str:
    body = {"email": f"{new_id()}@example.org", "name": "Somebody", "role": role}
    return str(made(http.post(lms("/users"), json=body))["id"])


def published_course(http: httpx.Client, title: str, titles: list[str]) -> tuple[str, list[str]]:
    teacher = person(http, "instructor")
    course_id = str(
        made(http.post(lms("/courses"), json={"title": title, "instructor_id": teacher}))["id"]
    )
    items = [
        str(
            made(
                http.post(
                    lms(f"/courses/{course_id}/items"),
                    json={"kind": "page", "title": title, "description": f"{title}."},
                )
            )["id"]
        )
        for title in titles
    ]
    made(http.post(lms(f"/courses/{course_id}/publish")))
    return course_id, items


def recommended(http: httpx.Client, user_id: str, **query: Any) -> dict[str, Any]:
    return made(http.get(serving("/api/v1/recommendations"), params={"user_id": user_id, **query}))


def study(http: httpx.Client, user_id: str, course_id: str, item_id: str, event: str) -> None:
    body = {"event_type": event, "user_id": user_id}
    made(http.post(lms(f"/courses/{course_id}/items/{item_id}/events"), json=body))


def events_of(recommendation_id: str) -> list[Envelope]:
    """Everything on the topic about one recommendation."""
    places = dict.fromkeys(kafka.places(RECOMMENDATIONS.name), 0)
    found = [
        decode(RECOMMENDATIONS.name, message.value())
        for messages in kafka.remaining(places)
        for message in messages
    ]
    return [e for e in found if e.payload.recommendation_id == recommendation_id]  # type: ignore[attr-defined]


def test_new_texts_are_found_and_closed_courses_forgotten_at_once(
    http: httpx.Client,
) -> None:
    course_id, _ = published_course(http, f"Leaves {new_id()}", TEXTS)

    def found(query: str) -> dict[str, dict[str, Any]]:
        answer = http.get(serving("/api/v1/search"), params={"q": query, "limit": 20})
        if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            return {}  # the index is still being opened
        body = made(answer)
        return {hit["item_id"]: hit for hit in body["items"] if hit["course_id"] == course_id}

    hits = until(
        lambda: found("photosynthesis in leaves: light absorbed by chlorophyll"),
        "the course is found",
    )
    assert {hit["title"] for hit in hits.values()} <= set(TEXTS)
    assert {"snippet", "score", "course_title"} <= next(iter(hits.values())).keys()
    added = {
        "kind": "page",
        "title": "Volcanoes under the sea",
        "description": "Black smokers vent hot water at mid-ocean ridges.",
    }
    new = made(http.post(lms(f"/courses/{course_id}/items"), json=added))
    vents = "hydrothermal vents on the ocean floor"
    until(lambda: new["id"] in found(vents), "the new item is found")
    made(http.post(lms(f"/courses/{course_id}/archive")))
    until(lambda: not found(vents), "an archived course is found no more")


def test_recommendations_change_as_a_learner_studies(http: httpx.Client) -> None:
    course_id, items = published_course(http, f"Course {new_id()}", TEXTS)
    learner = person(http, "student")
    until(lambda: recommended(http, learner)["items"], "a stranger gets something, too")
    made(http.post(lms(f"/courses/{course_id}/enrollments"), json={"user_id": learner}))

    def first() -> str:
        shown = recommended(http, learner, course_id=course_id)["items"]
        return shown[0]["item_id"] if shown else ""

    until_equal(first, items[0])
    for done, following in pairwise(items):
        study(http, learner, course_id, done, "content.viewed")
        study(http, learner, course_id, done, "content.completed")
        assert first() == following  # exact and at once: the filter asks the LMS itself
        shown = recommended(http, learner, limit=50)["items"]
        assert done not in [item["item_id"] for item in shown]


def test_clicks_and_dismissals_reach_kafka_once_and_a_no_is_remembered(http: httpx.Client) -> None:
    published_course(http, f"Course {new_id()}", TEXTS)
    learner = person(http, "student")
    answer = until(
        lambda: recommended(http, learner, limit=3),
        "something is recommended",
        accepts=lambda answer: answer["items"],
    )
    recommendation_id, items = answer["recommendation_id"], answer["items"]
    base = serving(f"/api/v1/recommendations/{recommendation_id}")
    for _ in range(2):
        made(http.post(f"{base}/clicks", json={"item_id": items[0]["item_id"]}))
    made(http.post(f"{base}/dismissals", json={"item_id": items[1]["item_id"]}))

    events = until(
        lambda: events_of(recommendation_id),
        "all of it is on the topic",
        accepts=lambda events: len(events) >= 6,
    )
    shown = [e.payload for e in events if e.event_type == "recommendation.shown"]
    assert sorted(p.position for p in shown) == [1, 2, 3]  # type: ignore[attr-defined]
    clicked = {e.event_id for e in events if e.event_type == "recommendation.clicked"}
    assert len(clicked) == 1  # clicking twice is one event, by its id
    assert any(e.event_type == "recommendation.dismissed" for e in events)
    again = [item["item_id"] for item in recommended(http, learner, limit=50)["items"]]
    assert items[1]["item_id"] not in again

    stranger = http.post(f"{base}/clicks", json={"item_id": new_id()})
    assert stranger.status_code == 404
    assert stranger.headers["content-type"] == "application/problem+json"
    unknown = http.post(
        serving(f"/api/v1/recommendations/{new_id()}/clicks"), json={"item_id": new_id()}
    )
    assert unknown.status_code == 404


def test_bad_requests_are_refused_with_a_problem(http: httpx.Client) -> None:
    for query in ({}, {"user_id": "42"}, {"user_id": new_id(), "limit": 0}):
        refused = http.get(serving("/api/v1/recommendations"), params=query)
        assert refused.status_code == 422
        assert refused.json()["detail"]
    assert http.get(serving("/api/v1/search"), params={"q": ""}).status_code == 422
    nobody = http.get(serving("/api/v1/recommendations"), params={"user_id": new_id()})
    assert nobody.status_code == 404
    other = http.get(
        serving("/api/v1/search"), params={"q": "x"}, headers={"X-Institution-Id": new_id()}
    )
    assert other.status_code == 422


def archive(course_id: str, items: list[str], learners: int, began: datetime) -> None:
    """Learners who studied half the course, an item a day, as the archive holds them.

    They begin anywhere and go round: no item is more popular, so only the item before predicts
    the next.
    """
    with postgres.connect_analytics() as connection:
        columns = (
            "event_id, event_type, topic, timestamp, institution_id, user_id, course_id, item_id, "
            "kind, clicks, source_service, schema_version, payload, received_at"
        )
        with connection.cursor().copy(f"COPY activity_events ({columns}) FROM STDIN") as copy:
            for number in range(learners):
                user_id = new_id()
                begin = 7 * number % len(items)
                for step, item_id in enumerate(islice(cycle(items), begin, begin + ITEMS // 2)):
                    at = began + timedelta(days=number % 20 + step)
                    copy.write_row(
                        (
                            *(new_id(), "content.viewed", "lms.content.events", at),
                            *(DEFAULT_INSTITUTION, user_id, course_id, item_id, "page", 1),
                            *("test", 1, "{}", at),
                        )
                    )


def test_a_model_trained_from_the_archive_is_promoted_and_serves(
    http: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    course_id, items = published_course(
        http, f"Course {new_id()}", [f"Step {step} of the path" for step in range(ITEMS)]
    )
    archive(course_id, items, learners=60, began=datetime(2031, 1, 1, tzinfo=UTC))
    capsys.readouterr()
    assert cli.call("train", "recommender", "--until", "2032-01-01", "--json") == 0
    report = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert report["live"], report["gate"]
    assert report["metrics"]["model"]["ndcg@10"] > report["gate"]["popularity"]

    name = f"recommender@{report['version'][:12]}"
    learner = person(http, "student")
    until_equal(lambda: recommended(http, learner)["model"], name)  # no restart
    row = {
        "feature_view": "learner_activity",
        "entity_id": learner,
        "institution_id": DEFAULT_INSTITUTION,
        "event_timestamp": "2031-02-01T00:00:00Z",
        "features": {"last_item_id": items[4], "last_seen_at": "2031-02-01T00:00:00Z"},
    }
    producer = kafka.producer()
    producer.produce(FEATURES.name, key=f"learner_activity/{learner}", value=json.dumps(row))
    assert producer.flush(10) == 0

    def personal() -> list[dict[str, Any]]:
        shown = recommended(http, learner, source="personal")["items"]
        return [item for item in shown if item["source"] == "personal"]

    shown = until(personal, "the model ranks", within_s=150)  # behind what others left on the topic
    assert items[5] in [item["item_id"] for item in shown[:3]]
    assert items[4] not in [item["item_id"] for item in shown]
    assert {item["reason"] for item in shown} == {"Because you studied «Step 4 of the path»"}
    read_of = served.key(LEARNER, (learner,))
    client = stack_redis.client()
    until(lambda: client.exists(read_of), "what was read of the learner is kept")
    made(http.put(lms(f"/users/{learner}/consents/personalization"), json={"given": False}))
    until(lambda: not client.exists(read_of), "what was read of them is deleted")
    for _ in range(3):
        assert recommended(http, learner)["model"] == "none"
    assert not client.exists(read_of)


def test_health_tells_what_is_there(http: httpx.Client) -> None:
    assert made(http.get(serving("/health/live"))) == {"status": "live"}
    ready = made(http.get(serving("/health/ready")))
    assert ready["courses"] > 0
    assert ready["events"]["failed"] == 0
    assert "serving_answer_seconds" in http.get(serving("/metrics")).text
