"""Modules, and the order of everything, set as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.ids import new_id

pytestmark = pytest.mark.integration


def order(lms: Any, course_id: str, version: str = "*", **body: Any) -> Any:
    path, headers = f"/courses/{course_id}/outline", {"If-Match": version}
    return lms.call("PUT", path, json=body, headers=headers)


def made(lms: Any) -> tuple[str, list[str], list[str]]:
    course_id = lms.course(published=False)
    modules = [
        str(lms.made(f"/courses/{course_id}/modules", {"title": f"Week {n}"})["id"]) for n in (1, 2)
    ]
    items = [lms.item(course_id, "page", title=f"Page {n}") for n in range(4)]
    return course_id, modules, items


def test_modules_and_items_are_put_in_order_at_once(lms: Any) -> None:
    course_id, (one, two), (a, b, c, d) = made(lms)
    outline = lms.get(f"/courses/{course_id}/outline")
    assert [item["id"] for item in outline.json()["items"]] == [a, b, c, d]
    wanted = {
        "items": [d],
        "modules": [{"id": two, "items": [c, a]}, {"id": one, "items": [b]}],
    }
    changed = order(lms, course_id, outline.headers["ETag"], **wanted)
    assert changed.status_code == 200, changed.text
    read = lms.get(f"/courses/{course_id}/outline")
    assert read.json() == changed.json()
    assert read.headers["ETag"] == changed.headers["ETag"]
    assert [module["id"] for module in read.json()["modules"]] == [two, one]
    listed = lms.get(f"/courses/{course_id}/items").json()["items"]
    assert [item["id"] for item in listed] == [d, c, a, b]
    assert [item["module_id"] for item in listed] == [None, two, two, one]
    emitted = lms.types().count("course.updated")
    assert order(lms, course_id, read.headers["ETag"], **wanted).status_code == 200
    assert lms.types().count("course.updated") == emitted, "the same order again is no change"
    assert order(lms, course_id, outline.headers["ETag"], **wanted).status_code == 412


def test_half_an_order_is_refused(lms: Any) -> None:
    course_id, (one, two), (a, b, c, d) = made(lms)
    modules = [{"id": one, "items": [a, b]}, {"id": two, "items": [c]}]
    missing = order(lms, course_id, modules=modules)
    assert (missing.status_code, d in missing.json()["detail"]) == (422, True)
    twice = order(lms, course_id, items=[d, a], modules=modules)
    assert "named twice" in twice.json()["detail"]
    stranger = order(lms, course_id, items=[d, new_id()], modules=modules)
    assert "has no item" in stranger.json()["detail"]
    assert order(lms, course_id, items=[d], modules=modules[:1]).status_code == 422
    listed = lms.get(f"/courses/{course_id}/items").json()["items"]
    assert [item["id"] for item in listed] == [a, b, c, d]


def test_a_module_is_changed_and_put_away_when_it_is_empty(lms: Any) -> None:
    course_id, (one, two), (a, *_) = made(lms)
    path = f"/courses/{course_id}/modules/{one}"
    version = {"If-Match": lms.get(path).headers["ETag"]}
    changed = lms.call("PATCH", path, json={"title": "Week one"}, headers=version)
    assert changed.json()["title"] == "Week one"
    assert lms.call("PATCH", path, json={"title": "x"}, headers=version).status_code == 412
    item, version = f"/courses/{course_id}/items/{a}", {"If-Match": "*"}
    moved = lms.call("PATCH", item, json={"module_id": one}, headers=version)
    assert moved.json()["module_id"] == one
    assert lms.call("DELETE", path).status_code == 409
    lms.call("PATCH", item, json={"module_id": two}, headers=version)
    assert lms.call("DELETE", path).json()["archived_at"] is not None
    again = lms.call("PATCH", item, json={"module_id": one}, headers=version)
    assert again.status_code == 422
    outline = lms.get(f"/courses/{course_id}/outline").json()
    assert [module["id"] for module in outline["modules"]] == [two]


def test_what_is_in_a_module_can_be_used_from_when_it_opens(lms: Any) -> None:
    course_id, learner = lms.course(), lms.user()
    opens = {"title": "Week 9", "opens_at": "2014-05-01T00:00:00Z"}
    module = lms.made(f"/courses/{course_id}/modules", opens)["id"]
    item = lms.item(course_id, "page", module_id=module, metadata={"body": "# Hello"})
    body = {"user_id": learner, "occurred_at": "2014-04-01T00:00:00Z"}
    lms.made(f"/courses/{course_id}/enrollments", body)
    path = f"/courses/{course_id}/items/{item}"
    early = {"event_type": "content.viewed", "user_id": learner}
    refused = lms.post(f"{path}/events", early | {"occurred_at": "2014-04-30T23:59:59Z"})
    assert (refused.status_code, "opens at" in refused.json()["detail"]) == (409, True)
    lms.made(f"{path}/events", early | {"occurred_at": "2014-05-01T00:00:01Z"})
    assert lms.person(learner).get(path).json()["content"]["body"] == "# Hello"
    later, version = {"opens_at": "2199-01-01T00:00:00Z"}, {"If-Match": "*"}
    lms.call("PATCH", f"/courses/{course_id}/modules/{module}", json=later, headers=version)
    closed = lms.person(learner).get(path).json()
    assert (closed["content"], closed["opens_at"]) == (None, "2199-01-01T00:00:00Z")
    assert "body" not in closed["metadata"]
