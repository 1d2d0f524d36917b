"""Invented learners do the same for the same seed, in order, and only what the API allows."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter

from contracts.ids import DEFAULT_INSTITUTION
from core_lms.content.schemas import Interaction
from imports.catalogue.definition import Catalogue, read
from imports.catalogue.importer import FOLDER
from imports.catalogue.load import Rows
from imports.study.behaviour import study
from imports.study.requests import requests_of

STARTS_AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
CONTENT = TypeAdapter(Interaction)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read(FOLDER)


def students(catalogue: Catalogue) -> list:
    return [person for person in catalogue.people if person.role == "student"]


def test_the_same_seed_is_the_same_hour_and_another_is_another(catalogue: Catalogue) -> None:
    person = students(catalogue)[0]
    first = study(person, catalogue.courses, 60, "a")
    assert first == study(person, catalogue.courses, 60, "a")
    assert first != study(person, catalogue.courses, 60, "b")


def test_everybody_acts_in_order_within_the_hour_and_enrolls_first(catalogue: Catalogue) -> None:
    for person in students(catalogue):
        actions = study(person, catalogue.courses, 60, "a")
        times = [action.at_s for action in actions]
        assert times == sorted(times)
        assert times[0] >= 0
        assert times[-1] < 3_600
        enrolled: set[str] = set()
        for action in actions:
            if action.what == "enroll":
                enrolled.add(action.course)
            assert action.course in enrolled
        subjects = {course.slug: course.subject for course in catalogue.courses}
        assert subjects[actions[0].course] in person.interests


def test_an_hour_shows_every_kind_of_action(catalogue: Catalogue) -> None:
    done = {
        action.what
        for person in students(catalogue)
        for action in study(person, catalogue.courses, 60, "demo/1")
    }
    assert done >= {
        "enroll",
        "content.viewed",
        "content.completed",
        "content.downloaded",
        "video.played",
        "video.paused",
        "video.seeked",
        "forum.posted",
        "submit",
        "grade",
    }


def test_requests_are_repeatable_and_content_events_valid(catalogue: Catalogue) -> None:
    rows = Rows(catalogue, DEFAULT_INSTITUTION)
    keys: list[str] = []
    for person in students(catalogue):
        actions = study(person, catalogue.courses, 60, "a")
        first = list(requests_of(rows, person, actions, "run", STARTS_AT, {}))
        assert first == list(requests_of(rows, person, actions, "run", STARTS_AT, {}))
        for _, request in first:
            if request.path.endswith("/events"):
                CONTENT.validate_json(request.body)
            if request.key:
                keys.append(request.key)
    assert len(keys) == len(set(keys))


def test_who_is_in_a_course_already_does_not_enroll_anew(catalogue: Catalogue) -> None:
    rows = Rows(catalogue, DEFAULT_INSTITUTION)
    person = students(catalogue)[0]
    actions = study(person, catalogue.courses, 60, "a")
    course = rows.id_of("course", actions[0].course)
    there = {(rows.id_of("user", person.slug), course): "0190f5a2-7c1e-7b54-9d0a-3f2b6f1f0c11"}
    requests = list(requests_of(rows, person, actions, "run", STARTS_AT, there))
    paths = [request.path for _, request in requests]
    assert f"/courses/{course}/enrollments" not in paths
    assert len(requests) == len(actions) - 1
    assert json.loads(requests[0][1].body)["occurred_at"].endswith("Z")
