"""Courses are found by words and tags, the best first, and only by who may see them."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.integration


def course(lms: Any, title: str, description: str = "", *tags: str) -> str:
    body = {
        "title": title,
        "description": description,
        "instructor_id": lms.user("instructor"),
        "tags": list(tags),
    }
    course_id = str(lms.made("/courses", body)["id"])
    lms.item(course_id, "page")
    assert lms.post(f"/courses/{course_id}/publish").status_code == 200
    return course_id


def found(lms: Any, **params: Any) -> list[str]:
    answer = lms.get("/courses", **params)
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["items"]]


def test_words_are_looked_for_in_title_tags_and_description_in_this_order(lms: Any) -> None:
    third = course(lms, "Reading old maps", "With a little geometry on the side")
    first = course(lms, "Geometry for gardeners", "Beds and borders")
    second = course(lms, "Drawing", "Pencil and paper", "geometry")
    course(lms, "Cooking", "Soups")
    learner = lms.person(lms.user())
    assert found(learner, q="geometry") == [first, second, third]
    assert found(learner, q="geometries") == [first, second, third], "words have forms"
    assert found(learner, q="geometry -gardeners") == [second, third]
    assert found(learner, q='"old maps"') == [third]
    assert found(learner, q="the and of") == []
    assert found(learner, q="'; DROP TABLE courses; -- & | ! :* <->") == []


def test_results_come_in_pages_that_neither_skip_nor_repeat(lms: Any) -> None:
    made = {course(lms, f"Chess {n}") for n in range(5)} | {course(lms, "Go", "Not chess")}
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = lms.get("/courses", q="chess", limit=2, **cursor).json()
        seen += [row["id"] for row in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert len(seen) == 6
    assert set(seen) == made


def test_tags_narrow_down_however_they_are_written(lms: Any) -> None:
    both = course(lms, "A", "", "Data Science", "free")
    one = course(lms, "B", "", "data science")
    assert found(lms, tag="data science") == [both, one]
    assert found(lms, tag=["DATA SCIENCE", "free"]) == [both]
    assert found(lms, tag="data science", q="b") == [one]
    assert found(lms, tag="data") == []


def test_a_renamed_course_is_found_by_its_new_name_only(lms: Any) -> None:
    course_id = course(lms, "Botany")
    changes, version = {"title": "Zoology"}, {"If-Match": "*"}
    lms.call("PATCH", f"/courses/{course_id}", json=changes, headers=version)
    assert (found(lms, q="botany"), found(lms, q="zoology")) == ([], [course_id])


def test_drafts_are_seen_by_those_who_teach_them_and_by_administrators(lms: Any) -> None:
    teacher = lms.user("instructor")
    body = {"title": "Secret plans", "instructor_id": teacher}
    course_id = str(lms.made("/courses", body)["id"])
    for q in ({}, {"q": "secret"}):
        assert found(lms.person(teacher, "instructor@institution"), **q) == [course_id]
        assert found(lms, **q) == [course_id]
        assert found(lms.person(lms.user()), **q) == []
        stranger = lms.person(lms.user("instructor"), "instructor@institution")
        assert found(stranger, **q) == []
    assert lms.person(lms.user()).get(f"/courses/{course_id}").status_code == 403


def test_another_institution_finds_nothing(lms: Any) -> None:
    course(lms, "Botany", "", "plants")
    assert found(lms.elsewhere(), q="botany") == []
    assert found(lms.elsewhere(), tag="plants") == []
