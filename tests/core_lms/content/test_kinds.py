"""Each kind of content: what it takes, what it refuses, when it is completed, what it shows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from contracts.ids import new_id
from core_lms.content import types
from core_lms.content.types import POINT
from core_lms.plugins import plugins

KINDS = sorted(plugins(POINT))


def test_the_kinds_are_the_files_of_the_folder() -> None:
    assert KINDS == ["document", "external", "forum", "page", "quiz", "video"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_takes_an_item_without_metadata_and_one_of_an_importer(kind: str) -> None:
    for metadata in ({}, {"source": "open-catalogue", "slug": "a", "minutes": 12}):
        types.checked(kind, metadata)
    assert types.of(kind).about
    assert {"content.viewed", "content.completed"} <= types.of(kind).interactions


def test_a_kind_that_nobody_declared_takes_everything() -> None:
    for kind in ("oucontent", "resource", "url", "oucollaborate"):
        types.checked(kind, {"anything": [1, {"a": None}]})
        types.accepts(kind, "forum.posted")


pytestmark = pytest.mark.integration


class Class:
    """One learner in one course with one item."""

    def __init__(self, lms: Any, kind: str, **metadata: Any) -> None:
        self.lms, self.course_id, self.learner = lms, lms.course(), lms.user()
        self.item = lms.item(self.course_id, kind, metadata=metadata)
        self.enrollment = lms.enrollment(self.course_id, self.learner)
        self.path = f"/courses/{self.course_id}/items/{self.item}"

    def does(self, event_type: str, **more: Any) -> Any:
        body = {"event_type": event_type, "user_id": self.learner, **more}
        return self.lms.post(f"{self.path}/events", body)

    def watches(self, from_s: float, to_s: float) -> Any:
        answer = self.does("video.watched", from_s=from_s, to_s=to_s)
        assert answer.status_code == 201, answer.text

    def completed(self) -> bool:
        done = self.lms.get(f"/users/{self.learner}/completed-items").json()["items"]
        return self.item in {row["item_id"] for row in done}

    def opened(self) -> dict[str, Any]:
        answer = self.lms.person(self.learner).get(self.path)
        assert answer.status_code == 200, answer.text
        content: dict[str, Any] = answer.json()["content"]
        return content


@pytest.mark.parametrize(
    ("kind", "metadata", "where"),
    [
        ("video", {"duration_s": -1}, "duration_s"),
        ("video", {"duration_s": "90"}, "duration_s"),
        ("video", {"watched_share": 1.1}, "watched_share"),
        ("video", {"url": "javascript:alert(1)"}, "url"),
        ("video", {"captions": [{"language": "english!", "media_id": new_id()}]}, "language"),
        ("external", {"url": "file:///etc/passwd"}, "url"),
        ("page", {"body": 7}, "body"),
        ("quiz", {"assessment_id": "42"}, "assessment_id"),
        ("forum", {"min_posts": -1}, "min_posts"),
        ("document", {"media_id": "42"}, "media_id"),
    ],
)
def test_metadata_that_a_kind_does_not_take_is_named(
    lms: Any, kind: str, metadata: dict[str, Any], where: str
) -> None:
    course_id = lms.course()
    body = {"kind": kind, "title": "A", "metadata": metadata}
    refused = lms.post(f"/courses/{course_id}/items", body)
    assert refused.status_code == 422
    assert f"metadata.{where}" in refused.json()["detail"].replace("captions.0.", "")


@pytest.mark.parametrize(
    ("kind", "interaction"),
    [
        ("page", {"event_type": "video.played", "position_s": 0.0}),
        ("page", {"event_type": "forum.posted", "text": "Hi"}),
        ("video", {"event_type": "forum.posted", "text": "Hi"}),
        ("external", {"event_type": "content.downloaded"}),
        ("quiz", {"event_type": "content.downloaded"}),
    ],
)
def test_an_interaction_that_makes_no_sense_is_refused(
    lms: Any, kind: str, interaction: dict[str, Any]
) -> None:
    refused = Class(lms, kind).does(**interaction)
    assert (refused.status_code, f"a {kind} takes" in refused.json()["detail"]) == (422, True)


def test_nine_tenths_of_a_video_complete_it_however_they_are_watched(lms: Any) -> None:
    room = Class(lms, "video", duration_s=100)
    room.watches(0, 40)
    room.watches(20, 50)  # seen twice, counted once
    room.watches(90, 130)  # behind the end is nothing
    refused = room.does("content.completed")
    assert refused.status_code == 409
    assert "60% of the video was watched, 90% is needed" in refused.json()["detail"]
    assert room.opened()["resume_s"] == 130.0
    room.watches(50, 79.5)
    assert not room.completed()
    room.watches(79.5, 80)
    assert room.completed()
    assert lms.types()[-4:] == [
        "video.watched",
        "content.completed",
        "enrollment.progressed",
        "course.completed",
    ]
    room.watches(0, 100)
    assert lms.types().count("content.completed") == 1


def test_watching_what_is_missing_at_once_on_two_devices_completes_a_video_once(lms: Any) -> None:
    for _ in range(5):
        room = Class(lms, "video", duration_s=100)
        with ThreadPoolExecutor(4) as many:
            list(many.map(room.watches, range(0, 100, 25), range(25, 125, 25)))
        assert room.completed()
    assert lms.types().count("content.completed") == 5
    assert lms.types().count("course.completed") == 5


def test_every_completion_that_is_told_has_its_row(lms: Any, database: Any) -> None:
    room = Class(lms, "video", duration_s=10)
    room.watches(0, 10)
    room.does("content.viewed", device="phone")
    rows = database.execute(
        "SELECT id::text, event_type FROM content_views WHERE institution_id = %s ORDER BY id",
        [lms.institution_id],
    ).fetchall()
    emitted = [
        (event["event_id"], event["event_type"])
        for event in lms.events()
        if event["event_type"].startswith(("content", "video"))
    ]
    assert sorted(rows) == sorted(emitted)
    assert lms.events()[-1]["payload"]["device"] == "phone"


def test_a_span_has_an_end_after_its_start(lms: Any) -> None:
    room = Class(lms, "video")
    for from_s, to_s in ((5, 5), (9, 5)):
        refused = room.does("video.watched", from_s=from_s, to_s=to_s)
        assert (refused.status_code, "to_s" in refused.text) == (422, True)


def test_without_a_length_the_learner_s_word_completes_a_video(lms: Any) -> None:
    room = Class(lms, "video")
    room.watches(0, 10)
    assert not room.completed()
    assert room.does("content.completed").status_code == 201
    assert room.completed()


def test_a_quiz_is_completed_once_its_work_was_handed_in(lms: Any) -> None:
    course_id, learner = lms.course(), lms.user()
    work = lms.assessment(course_id)
    item = lms.item(course_id, "quiz", metadata={"assessment_id": work})
    lms.enrollment(course_id, learner)
    path = f"/courses/{course_id}/items/{item}"
    body = {"event_type": "content.completed", "user_id": learner}
    refused = lms.post(f"{path}/events", body)
    assert (refused.status_code, "not handed in" in refused.json()["detail"]) == (409, True)
    assert lms.person(learner).get(path).json()["content"] == {"assessment_id": work}
    lms.made(f"/assessments/{work}/submissions", {"user_id": learner})
    lms.made(f"{path}/events", body)


def test_posts_complete_a_forum_and_are_read_by_the_course_only(lms: Any) -> None:
    room = Class(lms, "forum", min_posts=2)
    assert "0 of 2 posts" in room.does("content.completed").json()["detail"]
    for text in ("First!", "Und dann? 你好"):
        assert room.does("forum.posted", text=text).status_code == 201
    assert room.completed()
    posts = lms.person(room.learner).get(f"{room.path}/posts").json()["items"]
    assert [post["text"] for post in posts] == ["First!", "Und dann? 你好"]
    assert lms.person(lms.user()).get(f"{room.path}/posts").status_code == 403
    assert "First" not in str(lms.events())


def test_a_post_of_somebody_who_was_erased_is_a_post_without_words(lms: Any) -> None:
    room = Class(lms, "forum")
    room.does("forum.posted", text="Call me")
    assert lms.post(f"/users/{room.learner}/erase").status_code == 200
    [post] = lms.get(f"{room.path}/posts").json()["items"]
    assert post["text"] is None


def test_opening_completes_an_external_item_that_says_so(lms: Any) -> None:
    room = Class(lms, "external", url="https://example.org/a", completed_by_opening=True)
    assert room.opened() == {"url": "https://example.org/a", "opens": "a new window"}
    room.does("content.viewed")
    assert room.completed()
    other = Class(lms, "external", url="https://example.org/a")
    other.does("content.viewed")
    assert not other.completed()


def test_what_an_item_is_made_of_is_not_in_the_table_of_contents(lms: Any) -> None:
    room = Class(lms, "page", body="# The secret", minutes=5)
    for caller in (lms.person(lms.user()), lms.person(room.learner)):
        rows = caller.get(f"/courses/{room.course_id}/items").json()["items"]
        [row] = [row for row in rows if row["id"] == room.item]
        assert row["metadata"] == {"minutes": 5}
    assert lms.person(lms.user()).get(room.path).status_code == 403
    assert room.opened() == {"format": "markdown", "body": "# The secret"}


def test_a_film_is_shown_by_an_address_of_the_learner_s_own(
    lms: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMS_CONTENT_FOLDER", str(tmp_path))
    room = Class(lms, "video", duration_s=9)
    file = {"name": "film.mp4", "media_type": "video/mp4"}
    media = lms.made(f"/courses/{room.course_id}/media", file)["id"]
    film = b"\0\0\0\x18ftypisom" + b"x" * 600
    track = {"name": "de.vtt", "media_type": "text/vtt"}
    captions = lms.made(f"/courses/{room.course_id}/media", track)["id"]
    for id_, content in ((media, film), (captions, b"WEBVTT\n")):
        assert lms.call("PUT", f"/media/{id_}/bytes", content=content).status_code == 200
    metadata = {
        "media_id": media,
        "duration_s": 9,
        "captions": [{"language": "de", "media_id": captions}],
    }
    changed = lms.call("PATCH", room.path, json={"metadata": metadata}, headers={"If-Match": "*"})
    assert changed.status_code == 200, changed.text
    shown = room.opened()
    assert room.learner in shown["url"]
    assert lms.http.get(shown["url"]).content == film
    [german] = shown["captions"]
    assert lms.http.get(german["url"]).text == "WEBVTT\n"


def test_items_are_changed_and_put_away(lms: Any) -> None:
    room = Class(lms, "page")
    assert room.does("content.viewed").status_code == 201
    version = lms.get(room.path).headers["ETag"]
    title = {"title": "A better title"}
    assert lms.call("PATCH", room.path, json=title).status_code == 428
    changed = lms.call("PATCH", room.path, json=title, headers={"If-Match": version})
    assert changed.json()["title"] == "A better title"
    assert changed.headers["ETag"] == lms.get(room.path).headers["ETag"]
    stale = lms.call("PATCH", room.path, json={"title": "x"}, headers={"If-Match": version})
    assert stale.status_code == 412
    assert lms.call("DELETE", room.path).json()["archived_at"] is not None
    emitted = lms.types().count("course.updated")
    assert lms.call("DELETE", room.path).status_code == 200
    assert lms.types().count("course.updated") == emitted
    refused = room.does("content.viewed")
    assert (refused.status_code, "archived" in refused.json()["detail"]) == (409, True)
    offline = room.does("content.viewed", occurred_at="2026-01-01T00:00:00Z")
    assert offline.status_code == 201, "it was there then"
    rows = lms.get(f"/courses/{room.course_id}/items").json()["items"]
    assert room.item not in {row["id"] for row in rows}


def test_clients_learn_which_kinds_there_are(lms: Any) -> None:
    kinds = lms.person(lms.user()).get("/content-kinds").json()["items"]
    assert [kind["kind"] for kind in kinds] == KINDS
    video = kinds[-1]
    assert "video.watched" in video["interactions"]
    assert "duration_s" in video["metadata_schema"]["properties"]
