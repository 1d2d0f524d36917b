"""Grading by key and by hand: points, events, history, what follows for the enrollment."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.ids import new_id
from core_lms.assessment.attempts import close_if_over as closing
from tests.core_lms.units import in_unit

pytestmark = pytest.mark.integration


def refused(response: Any, status: int, words: str) -> None:
    assert response.status_code == status, response.text
    assert words in response.json()["detail"]


ANSWERS = {
    "single": ({"choice": "iqr"}, "iqr"),
    "multiple": ({"choices": ["median", "mean"]}, "mean,median"),
    "numeric": ({"value": 3.33}, "3.33"),
    "short_text": ({"text": " Modal Value"}, "modal"),
    "matching": ({"pairs": {"bar": "cat", "hist": "num"}}, "bar:cat,hist:num"),
}


def test_every_question_that_a_key_decides_is_told_of_in_an_event(quiz: Any) -> None:
    ids = {kind: quiz.question(kind, points=2) for kind in ANSWERS}
    assessment_id = quiz.assessment(*ids.values())
    attempt = quiz.start(assessment_id)
    for kind, (answer, _) in ANSWERS.items():
        assert quiz.answer(attempt["id"], ids[kind], answer, seconds=7.5).status_code == 200
    quiz.learner.post(f"/attempts/{attempt['id']}/submit")
    quiz.grade()

    emitted = {event["kind"]: event for event in quiz.emitted("assessment.question.graded")}
    assert set(emitted) == set(ANSWERS)
    for kind, (_, response) in ANSWERS.items():
        event = emitted[kind]
        assert (event["question_id"], event["response"]) == (ids[kind], response)
        assert (event["correct"], event["points"], event["max_points"]) == (True, 2, 2)
        assert (event["attempt"], event["seconds"]) == (1, 7.5)
    [graded] = quiz.emitted("assessment.graded")
    assert (graded["score"], graded["passed"], graded["attempt"]) == (100, None, 1)
    assert graded["submission_id"] == attempt["id"]
    order = [event["event_type"] for event in quiz.lms.events()][-6:]
    assert order == ["assessment.question.graded"] * 5 + ["assessment.graded"]


def test_what_a_learner_wrote_is_in_no_event(quiz: Any) -> None:
    essay, short = quiz.question("essay"), quiz.question("short_text")
    assessment_id = quiz.assessment(essay, short)
    quiz.submitted(assessment_id, {essay: {"text": "my secret"}, short: {"text": "my secret"}})
    quiz.grade()
    assert len(quiz.emitted("assessment.question.graded")) == 1
    assert "secret" not in str(quiz.lms.events())


def test_hearing_of_a_submission_again_changes_nothing(quiz: Any) -> None:
    question = quiz.question("single")
    quiz.submitted(quiz.assessment(question), {question: {"choice": "iqr"}})
    quiz.grade()
    before = quiz.lms.events()
    quiz.graded = 0
    assert len(quiz.grade()) == 1
    assert quiz.lms.events() == before


def test_an_essay_waits_for_a_person_and_a_blank_one_does_not(quiz: Any) -> None:
    essay, single = quiz.question("essay", points=10), quiz.question("single", points=10)
    assessment_id = quiz.assessment(essay, single)
    written = quiz.submitted(
        assessment_id, {essay: {"text": "Outliers."}, single: {"choice": "iqr"}}
    )
    quiz.time.after(minutes=1)
    blank = quiz.submitted(assessment_id, {single: {"choice": "iqr"}})
    quiz.grade()

    assert [g["submission_id"] for g in quiz.emitted("assessment.graded")] == [blank["id"]]
    queue = f"/courses/{quiz.course_id}/grading-queue"
    [waiting] = quiz.teacher.get(queue).json()["items"]
    assert (waiting["id"], waiting["questions"]) == (written["id"], 1)
    path = f"/submissions/{written['id']}/questions/{essay}/grade"
    refused(quiz.teacher.post(path, {"criteria": {"idea": 5}}), 422, "idea, words")
    refused(quiz.teacher.post(path, {"criteria": {"idea": 7, "words": 4}}), 422, "criteria.idea")
    refused(quiz.teacher.post(path, {"points": 10.01}), 422, "has 10")
    refused(quiz.teacher.post(path, {}), 422, "either points or criteria")

    body = {"criteria": {"idea": 5, "words": 3}, "feedback": "Vivid."}
    graded = quiz.teacher.post(path, body)

    assert graded.status_code == 200, graded.text
    assert graded.json()["submission"]["score"] == 90
    [result] = [q for q in graded.json()["questions"] if q["question_id"] == essay]
    assert (result["points"], result["correct"], result["feedback"]) == (8, None, "Vivid.")
    assert result["criteria"] == {"idea": 5, "words": 3}
    assert result["graded_by"] == quiz.teacher_id
    assert quiz.teacher.get(queue).json()["items"] == []
    event = quiz.emitted("assessment.question.graded")[-1]
    assert (event["points"], event["correct"], event["response"]) == (8, None, None)
    assert quiz.emitted("assessment.feedback.given")[-1]["given_by"] == quiz.teacher_id
    assert quiz.emitted("assessment.graded")[-1]["score"] == 90
    emitted = len(quiz.lms.events())
    assert quiz.teacher.post(path, {"criteria": body["criteria"]}).status_code == 200
    assert len(quiz.lms.events()) == emitted, "the same points again are no news"


def test_a_person_may_overrule_a_key_and_says_why(quiz: Any) -> None:
    question = quiz.question("single", points=2)
    submission = quiz.submitted(quiz.assessment(question), {question: {"choice": "mode"}})
    path = f"/submissions/{submission['id']}/questions/{question}/grade"
    refused(quiz.teacher.post(path, {"points": 1}), 409, "try again")
    quiz.grade()
    why = "The mode spreads too, in a way."
    body = {"points": 1, "why": why}
    assert quiz.teacher.post(path, body).json()["submission"]["score"] == 50
    history = quiz.teacher.get(f"/submissions/{submission['id']}/history").json()["items"]
    kept = [(h["question_id"], h["before"], h["after"], h["reason"]) for h in history]
    assert kept == [
        (None, None, 0, "graded"),
        (question, 0, 1, "manual"),
        (None, 0, 50, "manual"),
    ]
    assert [(h["changed_by"], h["why"]) for h in history[1:]] == [(quiz.teacher_id, why)] * 2


def test_the_history_of_a_grade_cannot_be_edited(quiz: Any) -> None:
    import psycopg

    async def edit(unit: Any) -> None:
        await unit.cursor.execute("UPDATE grade_history SET after = 100")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        in_unit(quiz.lms.institution_id, edit, "grading")


def progress(quiz: Any) -> tuple[str, float]:
    [row] = quiz.lms.get(f"/users/{quiz.learner_id}/enrollments").json()["items"]
    return row["status"], float(row["progress"])


def test_work_that_has_to_be_passed_is_done_once_it_is_passed(quiz: Any) -> None:
    question = quiz.question("single")
    assessment_id = quiz.assessment(question, pass_score=60, kind="exam")
    before = progress(quiz)
    quiz.submitted(assessment_id, {question: {"choice": "mode"}})
    quiz.grade()
    assert quiz.emitted("assessment.graded")[-1]["passed"] is False
    assert progress(quiz) == before, "handed in is not passed"
    quiz.time.after(minutes=1)
    quiz.submitted(assessment_id, {question: {"choice": "iqr"}})
    assert progress(quiz) == before
    quiz.grade()
    assert quiz.emitted("assessment.graded")[-1]["passed"] is True
    status, share = progress(quiz)
    assert (status, share) == ("completed", 100)
    assert len(quiz.emitted("course.completed")) == 1


def test_work_without_questions_is_graded_as_ever(quiz: Any) -> None:
    assessment_id = quiz.assessment(pass_score=50)
    handed_in = {"user_id": quiz.learner_id}
    submission = quiz.learner.made(f"/assessments/{assessment_id}/submissions", handed_in)
    assert quiz.grade() != []
    assert quiz.emitted("assessment.graded") == []
    path = f"/submissions/{submission['id']}/grade"
    graded = quiz.teacher.post(path, {"score": 70, "graded_by": quiz.teacher_id}).json()
    assert (graded["score"], graded["passed"], graded["attempt"]) == (70, True, None)
    [emitted] = quiz.emitted("assessment.graded")
    assert (emitted["passed"], emitted["attempt"]) == (True, None)
    assert quiz.results(submission["id"])["questions"] == []


def test_a_teacher_grades_and_comments_in_no_name_but_their_own(quiz: Any) -> None:
    assessment_id = quiz.assessment()
    handed_in = {"user_id": quiz.learner_id}
    submission = quiz.learner.made(f"/assessments/{assessment_id}/submissions", handed_in)
    path, other = f"/submissions/{submission['id']}", quiz.lms.user("instructor")
    refused(quiz.teacher.post(f"{path}/grade", {"score": 70, "graded_by": other}), 403, "yourself")
    said = {"given_by": other, "text": "Well done"}
    refused(quiz.teacher.post(f"{path}/feedback", said), 403, "yourself")
    assert quiz.lms.made(f"{path}/feedback", said)["given_by"] == other, "an import may"


def test_a_whole_score_is_not_given_to_work_whose_questions_make_it(quiz: Any) -> None:
    question = quiz.question("single")
    submission = quiz.submitted(quiz.assessment(question), {})
    refused(quiz.teacher.post(f"/submissions/{submission['id']}/grade", {"score": 5}), 409, "grade")


def test_what_is_asked_and_granted_belongs_to_the_course(quiz: Any) -> None:
    assessment_id = quiz.assessment()
    other_course = quiz.lms.course()
    bank = quiz.lms.made(f"/courses/{other_course}/banks", {"title": "Elsewhere"})["id"]
    path = f"/assessments/{assessment_id}/parts"
    refused(quiz.lms.post(path, {"bank_id": bank, "draws": 1}), 422, "bank_id")
    refused(quiz.lms.post(path, {"question_id": new_id()}), 422, "question_id")
    refused(quiz.lms.post(path, {"bank_id": quiz.bank_id, "draws": 1}), 422, "only 0 questions")
    refused(quiz.lms.post(path, {"bank_id": quiz.bank_id}), 422, "draws")
    refused(quiz.lms.post(path, {}), 422, "either question_id or bank_id")
    question = quiz.question("single")
    part = quiz.part(assessment_id, question_id=question)
    refused(quiz.lms.post(path, {"question_id": question}), 409, "asked already")
    assert quiz.lms.call("DELETE", f"{path}/{part['id']}").status_code == 204
    assert quiz.lms.get(path).json() == []


def test_rules_change_with_the_version_that_was_read_and_are_told(quiz: Any) -> None:
    assessment_id = quiz.assessment(due_at=quiz.time.text(hours=1))
    path = f"/assessments/{assessment_id}"
    read = quiz.learner.get(path)
    assert read.json()["release"] == "at_once"
    match = {"If-Match": read.headers["etag"]}
    refused(quiz.teacher.call("PATCH", path, json={"title": "B"}), 428, "If-Match")
    backwards = {"closes_at": quiz.time.text()}
    refused(quiz.teacher.call("PATCH", path, json=backwards, headers=match), 422, "closes_at")
    changes = {"due_at": None, "pass_score": 60, "weight": 12.5}
    changed = quiz.teacher.call("PATCH", path, json=changes, headers=match)
    assert changed.status_code == 200, changed.text
    assert (changed.json()["due_at"], changed.json()["pass_score"]) == (None, 60)
    [emitted] = quiz.emitted("assessment.updated")
    assert (emitted["due_at"], emitted["pass_score"], emitted["weight"]) == (None, 60, 12.5)
    refused(quiz.teacher.call("PATCH", path, json=changes, headers=match), 412, "changed")
    same = {"If-Match": changed.headers["etag"]}
    assert quiz.teacher.call("PATCH", path, json=changes, headers=same).status_code == 200
    assert len(quiz.emitted("assessment.updated")) == 1


def test_of_a_forgotten_learner_nothing_is_graded_told_or_handed_in(quiz: Any) -> None:
    single, essay = quiz.question("single"), quiz.question("essay")
    both = quiz.assessment(single, essay, time_limit_s=60, grace_s=0)
    given = {single: {"choice": "iqr"}, essay: {"text": "Well."}}
    waiting = quiz.submitted(both, given)
    quiz.grade()
    quiz.submitted(quiz.assessment(single), {single: {"choice": "mode"}})
    left_open = quiz.start(both)["id"]
    assert quiz.lms.post(f"/users/{quiz.learner_id}/erase").status_code == 200
    emitted = quiz.lms.events()

    quiz.grade()
    quiz.time.after(minutes=5)
    found = in_unit(
        quiz.lms.institution_id,
        lambda unit: closing(unit, left_open, quiz.time.now),
        "grading",
    )

    assert found is False
    path = f"/submissions/{waiting['id']}/questions/{essay}/grade"
    assert quiz.teacher.post(path, {"points": 1}).status_code == 409
    assert quiz.teacher.get(f"/courses/{quiz.course_id}/grading-queue").json()["items"] == []
    regraded = quiz.teacher.made(f"/questions/{single}/regrades", {"why": "To be sure."})
    assert regraded["looked_at"] == 0
    assert quiz.lms.events() == emitted
