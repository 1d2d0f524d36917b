"""What people write and what is said of their work: who may reads it, nobody from the disk."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg
import pytest

from contracts.ids import new_id
from core_lms.privacy.keeping import KEEPING
from core_lms.privacy.stores import databases
from core_lms.privacy.stores.trace import Trace, Wanted
from core_lms.sealing import texts
from core_lms.sealing.existing import seal_existing
from stack import cli
from stack.local.catalogue import COMPONENTS

from .test_grading import refused

pytestmark = pytest.mark.integration


@dataclass
class Written:
    """One learner's post, answers and what was said of them, each with a word of its own."""

    quiz: Any
    word: str
    essay: str
    short: str
    forum: str
    submission: dict[str, Any]

    @property
    def texts(self) -> list[str]:
        return [
            f"{what} {self.word}" for what in ("post", "essay", "short", "remark", "comment", "why")
        ]

    def posts(self) -> list[str | None]:
        return [post["text"] for post in self.quiz.lms.get(f"{self.forum}/posts").json()["items"]]

    def read(self) -> list[str | None]:
        """All of it, as the API shows it."""
        results = self.quiz.results(self.submission["id"])
        by_id = {each["question_id"]: each for each in results["questions"]}
        answers = [by_id[id_]["answer"] for id_ in (self.essay, self.short)]
        said = [by_id[self.essay]["feedback"], *[each["text"] for each in results["feedback"]]]
        history = self.quiz.lms.get(f"/submissions/{self.submission['id']}/history").json()["items"]
        why = next(each["why"] for each in history if each["question_id"] == self.essay)
        return [*self.posts(), *[each and each["text"] for each in answers], *said, why]


@pytest.fixture
def written(quiz: Any) -> Written:
    word = f"zq{new_id().replace('-', '')}"
    essay, short = quiz.question("essay", points=10), quiz.question("short_text")
    item = quiz.lms.item(quiz.course_id, "forum")
    forum = f"/courses/{quiz.course_id}/items/{item}"
    post = {"event_type": "forum.posted", "user_id": quiz.learner_id, "text": f"post {word}"}
    assert quiz.learner.made(f"{forum}/events", post)["details"]["text"] == f"post {word}"
    answers = {essay: {"text": f"essay {word}"}, short: {"text": f"short {word}"}}
    submission = quiz.submitted(quiz.assessment(essay, short), answers)
    quiz.grade()
    points = {"criteria": {"idea": 5, "words": 3}, "feedback": f"remark {word}"}
    points["why"] = f"why {word}"
    path = f"/submissions/{submission['id']}"
    assert quiz.teacher.post(f"{path}/questions/{essay}/grade", points).status_code == 200
    said = {"given_by": quiz.teacher_id, "text": f"comment {word}"}
    key = new_id()
    made = quiz.teacher.made(f"{path}/feedback", said, key=key)
    again = quiz.teacher.post(f"{path}/feedback", said, key=key)
    assert (again.status_code, again.json()) == (200, made)
    return Written(quiz, word, essay, short, forum, submission)


def in_rows(word: str) -> list[Trace]:
    """The tables, of both databases, in whose rows a word can be read by their owner."""
    return [one for one in databases.search(Wanted(None, (word,))) if "files" not in one.store]


def on_disk(database: psycopg.Connection[Any], word: bytes) -> list[str]:
    """The files of the database, log included, in which a word can be read."""
    database.execute("CHECKPOINT")
    found = database.execute(
        "SELECT oid::text FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    assert found is not None
    data: Path = COMPONENTS["postgres"].data
    files = [path for path in (data / "base" / found[0]).iterdir() if path.is_file()]
    return [path.name for path in (*files, *(data / "pg_wal").glob("0*")) if word in _bytes(path)]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # a relation that was dropped meanwhile
        return b""


def test_what_was_written_is_read_by_who_may_and_by_nobody_from_the_disk(
    written: Written, owner: psycopg.Connection[Any]
) -> None:
    quiz = written.quiz
    assert written.read() == written.texts
    assert quiz.results(written.submission["id"], quiz.learner)["feedback"][0]["text"]
    assert in_rows(written.word) == []
    assert on_disk(owner, written.word.encode()) == []
    # The search itself: what is nobody's secret is found.
    title = f"zq{new_id().replace('-', '')}"
    quiz.lms.item(quiz.course_id, "page", title=title)
    assert on_disk(owner, title.encode()) != []
    assert written.word not in str(quiz.lms.events())


def test_an_answer_saved_comes_back_and_an_older_one_changes_nothing(quiz: Any) -> None:
    essay = quiz.question("essay")
    attempt = quiz.start(quiz.assessment(essay))["id"]
    saved = quiz.answer(attempt, essay, {"text": "second"}, revision=2).json()
    assert (saved["answer"], saved["revision"]) == ({"text": "second"}, 2)
    late = quiz.answer(attempt, essay, {"text": "first"}, revision=1).json()
    assert (late["answer"], late["revision"]) == ({"text": "second"}, 2)
    [asked] = quiz.learner.get(f"/attempts/{attempt}").json()["questions"]
    assert asked["answer"] == {"text": "second"}
    assert quiz.answer(attempt, essay, None).json()["answer"] is None


def test_an_export_has_what_was_written_in_the_clear(written: Written) -> None:
    quiz = written.quiz
    with zipfile.ZipFile(
        BytesIO(quiz.lms.post(f"/users/{quiz.learner_id}/export").content)
    ) as zip_:
        views = json.loads(zip_.read("content_views.json"))
        answers = json.loads(zip_.read("attempt_questions.json"))
        [comment] = json.loads(zip_.read("feedback.json"))
        whole = " ".join(zip_.read(name).decode() for name in zip_.namelist())
    assert [view["text"] for view in views] == [f"post {written.word}"]
    assert {each["answer"]["text"] for each in answers} == {
        f"essay {written.word}",
        f"short {written.word}",
    }
    assert f"remark {written.word}" in {each["feedback"] for each in answers}
    assert comment["text"] == f"comment {written.word}"
    assert "_sealed" not in whole


def test_of_a_person_who_was_erased_nothing_written_is_left(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    quiz = written.quiz
    assert cli.call("privacy", "erase", quiz.learner_id, "--word", written.word) == 0
    assert "nothing stays" in capsys.readouterr().out
    assert written.read() == [None] * 6
    said = {"given_by": quiz.teacher_id, "text": "One thing more"}
    refused(
        quiz.teacher.post(f"/submissions/{written.submission['id']}/feedback", said),
        409,
        "was erased",
    )


def test_without_the_persons_key_nothing_opens(
    written: Written, owner: psycopg.Connection[Any]
) -> None:
    """A database that kept the rows, as a backup does, after the key was destroyed."""
    owner.execute("DELETE FROM person_keys WHERE user_id = %s", [written.quiz.learner_id])
    assert written.read() == [None] * 6


@pytest.mark.parametrize(
    ("table", "column", "where"),
    [
        ("content_views", "text_sealed", "user_id = %(learner)s AND event_type = 'forum.posted'"),
        ("attempt_questions", "answer_sealed", "attempt_id = %(submission)s"),
        ("attempt_questions", "feedback_sealed", "attempt_id = %(submission)s"),
        ("feedback", "text_sealed", "submission_id = %(submission)s"),
        ("grade_history", "why_sealed", "submission_id = %(submission)s"),
    ],
)
def test_a_text_that_was_changed_or_moved_is_refused(
    written: Written, owner: psycopg.Connection[Any], table: str, column: str, where: str
) -> None:
    values = {"learner": written.quiz.learner_id, "submission": written.submission["id"]}
    path = f"/submissions/{written.submission['id']}/results"
    if table == "content_views":
        path = f"{written.forum}/posts"
    if table == "grade_history":
        path = f"/submissions/{written.submission['id']}/history"
    assert written.quiz.lms.get(path).status_code == 200
    moved = "(SELECT text_sealed FROM content_views WHERE user_id = %(learner)s LIMIT 1)"
    flipped = f"set_byte({column}, 20, get_byte({column}, 20) # 1)"
    for spoilt in (flipped, *(() if table == "content_views" else (moved,))):
        owner.execute(
            f"UPDATE {table} SET {column} = {spoilt} WHERE {where} AND {column} IS NOT NULL",
            values,
        )
        answer = written.quiz.lms.get(path)
        assert answer.status_code == 500
        assert written.word not in answer.text


def test_nothing_can_be_written_in_the_clear_any_more(
    written: Written, owner: psycopg.Connection[Any]
) -> None:
    for statement in (
        'UPDATE content_views SET details = \'{"text": "a"}\' WHERE user_id = %(learner)s',
        "UPDATE attempt_questions SET answer = '{}' WHERE attempt_id = %(submission)s",
        "UPDATE attempt_questions SET feedback = 'a' WHERE attempt_id = %(submission)s",
        "UPDATE feedback SET body = 'a' WHERE submission_id = %(submission)s",
        "UPDATE grade_history SET why = 'a' WHERE submission_id = %(submission)s",
    ):
        with pytest.raises(psycopg.errors.CheckViolation):
            owner.execute(
                statement,
                {"learner": written.quiz.learner_id, "submission": written.submission["id"]},
            )


_BEFORE = (
    "ALTER TABLE content_views DROP CONSTRAINT content_views_hold_no_text",
    "ALTER TABLE attempt_questions DROP CONSTRAINT attempt_questions_hold_no_text",
    "ALTER TABLE feedback DROP CONSTRAINT feedback_holds_no_text",
    "ALTER TABLE grade_history DROP CONSTRAINT grade_history_holds_no_text",
    "UPDATE content_views SET text_sealed = NULL, details = details || "
    "jsonb_build_object('text', 'post ' || %(word)s::text) "
    "WHERE user_id = %(learner)s AND event_type = 'forum.posted'",
    "UPDATE attempt_questions SET answer_sealed = NULL, answer = jsonb_build_object('text', "
    "CASE question_id WHEN %(essay)s THEN 'essay ' ELSE 'short ' END || %(word)s::text) "
    "WHERE attempt_id = %(submission)s",
    "UPDATE attempt_questions SET feedback_sealed = NULL, feedback = 'remark ' || %(word)s::text "
    "WHERE attempt_id = %(submission)s AND question_id = %(essay)s",
    "UPDATE feedback SET text_sealed = NULL, body = 'comment ' || %(word)s::text "
    "WHERE submission_id = %(submission)s",
    "UPDATE grade_history SET why_sealed = NULL, why = 'why ' || %(word)s::text "
    "WHERE submission_id = %(submission)s AND why_sealed IS NOT NULL",
    "ALTER TABLE content_views ADD CONSTRAINT content_views_hold_no_text "
    "CHECK (NOT details ? 'text') NOT VALID",
    "ALTER TABLE attempt_questions ADD CONSTRAINT attempt_questions_hold_no_text "
    "CHECK (answer IS NULL AND feedback IS NULL) NOT VALID",
    "ALTER TABLE feedback ADD CONSTRAINT feedback_holds_no_text CHECK (body = '') NOT VALID",
    "ALTER TABLE grade_history ADD CONSTRAINT grade_history_holds_no_text "
    "CHECK (why IS NULL) NOT VALID",
)


def test_what_was_written_before_is_read_and_sealed_by_migrating(
    written: Written, owner: psycopg.Connection[Any]
) -> None:
    values = {
        "word": written.word,
        "learner": written.quiz.learner_id,
        "submission": written.submission["id"],
        "essay": written.essay,
    }
    with owner.transaction():
        for statement in _BEFORE:
            owner.execute(statement, values)
    assert written.read() == written.texts  # also until then
    assert seal_existing() == 6
    assert seal_existing() == 0
    assert written.read() == written.texts
    assert in_rows(written.word) == []
    validated = owner.execute(
        "SELECT count(*) FROM pg_constraint WHERE convalidated AND conname IN "
        "('content_views_hold_no_text', 'attempt_questions_hold_no_text', "
        "'feedback_holds_no_text', 'grade_history_holds_no_text')"
    ).fetchone()
    assert validated == (4,)


def test_every_sealed_text_is_blanked_with_its_person() -> None:
    for text in texts.TEXTS:
        assert text.column in KEEPING[text.table].blank, text
