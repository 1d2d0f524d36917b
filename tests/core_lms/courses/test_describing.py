"""What courses are made of is published whenever it changes, and only what changed."""

from __future__ import annotations

from typing import Any

import pytest

from core_lms.courses.describing import describe_missing

pytestmark = pytest.mark.integration


def described(lms: Any, since: int) -> list[tuple[str, str, int]]:
    """Type, title and revision of what was described since so many events."""
    return sorted(
        (event["event_type"], event["payload"]["title"], event["payload"]["revision"])
        for event in lms.events()[since:]
        if event["event_type"].endswith(".described")
    )


def test_a_new_item_is_described_once_and_its_course_not_again(lms: Any) -> None:
    course = lms.course()
    before = len(lms.events())
    lms.item(course, "page", title="Means | medians")
    assert described(lms, before) == [("item.described", "Means | medians", 1)]


def test_a_new_title_is_the_next_revision(lms: Any) -> None:
    course = lms.course()
    module = lms.made(f"/courses/{course}/modules", {"title": "Week 1"})["id"]
    before = len(lms.events())
    path = f"/courses/{course}/modules/{module}"
    for change in ({"title": "Week one"}, {"description": "What a mean hides"}):
        changed = lms.call("PATCH", path, json=change, headers={"If-Match": "*"})
        assert changed.status_code == 200
    assert described(lms, before) == [("module.described", "Week one", 2)]


def test_what_is_put_away_or_moved_says_so(lms: Any) -> None:
    course = lms.course()
    first = lms.item(course, "page", title="First")
    second = lms.item(course, "page", title="Second")
    before = len(lms.events())
    outline = lms.get(f"/courses/{course}/outline").json()
    items = [item["id"] for item in outline["items"]]
    items.remove(second)
    wish = {"modules": [], "items": [*items[:-1], second, first]}
    path, version = f"/courses/{course}/outline", {"If-Match": "*"}
    assert lms.call("PUT", path, json=wish, headers=version).status_code == 200
    assert [title for _, title, _ in described(lms, before)] == ["First", "Second"]
    before = len(lms.events())
    assert lms.call("DELETE", f"/courses/{course}/items/{first}").status_code == 200
    [event] = [one for one in lms.events()[before:] if one["event_type"] == "item.described"]
    assert event["payload"]["status"] == "archived"


def test_a_question_is_described_by_how_its_prompt_begins(lms: Any) -> None:
    course = lms.course()
    bank = lms.made(f"/courses/{course}/banks", {"title": "Means"})["id"]
    before = len(lms.events())
    body = {"prompt": "What is the mean\n of 1, 2 and 6?", "value": 3}
    question = {"kind": "numeric", "points": 2, "body": body}
    lms.made(f"/banks/{bank}/questions", question)
    [event] = [one for one in lms.events()[before:] if one["event_type"] == "question.described"]
    assert event["payload"]["title"] == "What is the mean of 1, 2 and 6?"
    assert event["payload"]["max_points"] == 2


def test_a_course_from_before_is_described_once_when_the_database_is_brought_up_to_date(
    lms: Any,
) -> None:
    course = lms.course()
    lms.database.execute("DELETE FROM course_descriptions WHERE course_id = %s", [course])
    before = len(lms.events())
    assert describe_missing(lms.database) >= 2
    assert [type_ for type_, *_ in described(lms, before)] == ["course.described", "item.described"]
    before = len(lms.events())
    describe_missing(lms.database)
    assert described(lms, before) == []
