"""A question was wrong: correcting it changes no grade, regrading changes all it should."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.ids import new_id

pytestmark = pytest.mark.integration


def choice(right: str, **more: Any) -> dict[str, Any]:
    """A question whose right choice is ``right``."""
    choices = [{"id": id_, "text": id_.upper(), "correct": id_ == right} for id_ in ("a", "b", "c")]
    return {"prompt": "Which?", "choices": choices, **more}


def change(quiz: Any, question_id: str, **changes: Any) -> dict[str, Any]:
    path = f"/questions/{question_id}"
    tag = quiz.teacher.get(path).headers["etag"]
    response = quiz.teacher.call("PATCH", path, json=changes, headers={"If-Match": tag})
    assert response.status_code == 200, response.text
    changed: dict[str, Any] = response.json()
    return changed


def regrade(quiz: Any, question_id: str, why: str = "The key was wrong.", **kwargs: Any) -> Any:
    return quiz.teacher.post(f"/questions/{question_id}/regrades", {"why": why}, **kwargs)


def learners(quiz: Any, count: int) -> list[Any]:
    found = []
    for _ in range(count):
        person = quiz.lms.user()
        quiz.lms.enrollment(quiz.course_id, person)
        found.append(quiz.lms.person(person))
    return found


def test_a_corrected_question_changes_every_score_once_it_is_regraded(quiz: Any) -> None:
    question = quiz.question("single", body=choice("a"))
    other = quiz.question("single", body=choice("a"))
    assessment_id = quiz.assessment(question, other)
    answers = {"a": [], "b": [], "c": []}
    for number, learner in enumerate(learners(quiz, 6)):
        mark = "abc"[number % 3]
        given = {question: {"choice": mark}, other: {"choice": "a"}}
        answers[mark].append(quiz.submitted(assessment_id, given, learner)["id"])
    quiz.grade()
    emitted = len(quiz.emitted("assessment.graded"))
    assert emitted == 6

    corrected = change(quiz, question, body=choice("b"), corrects=True, why="It is b.")
    assert corrected["version"] == 2
    assert len(quiz.emitted("assessment.graded")) == emitted, "no grade changes by itself"
    key = new_id()
    done = regrade(quiz, question, key=key)

    assert (done.json()["looked_at"], done.json()["changed"]) == (6, 4)
    scores = {
        mark: {quiz.results(id_)["submission"]["score"] for id_ in ids}
        for mark, ids in answers.items()
    }
    assert scores == {"a": {50.0}, "b": {100.0}, "c": {50.0}}
    news = quiz.emitted("assessment.graded")[emitted:]
    assert {n["submission_id"]: n["score"] for n in news} == {
        **dict.fromkeys(answers["a"], 50.0),
        **dict.fromkeys(answers["b"], 100.0),
    }
    again = regrade(quiz, question, key=key)
    assert (again.status_code, again.json()) == (200, done.json())
    assert regrade(quiz, question).json()["changed"] == 0
    assert len(quiz.emitted("assessment.graded")) == emitted + 4
    history = quiz.teacher.get(f"/submissions/{answers['b'][0]}/history").json()["items"]
    assert [(h["question_id"], h["before"], h["after"]) for h in history] == [
        (None, None, 50),
        (question, 0, 1),
        (None, 50, 100),
    ]
    assert {h["why"] for h in history[1:]} == {"The key was wrong."}
    assert {h["changed_by"] for h in history[1:]} == {quiz.teacher_id}
    assert {h["regrade_id"] for h in history[1:]} == {done.json()["id"]}
    listed = quiz.teacher.get(f"/questions/{question}/regrades").json()["items"]
    assert [each["changed"] for each in listed] == [4, 0]


def test_each_grade_says_what_it_replaces_and_the_first_one_that_it_replaces_nothing(
    quiz: Any,
) -> None:
    question, essay = quiz.question("single", body=choice("a")), quiz.question("essay")
    answers = {question: {"choice": "b"}, essay: {"text": "Outliers."}}
    id_ = quiz.submitted(quiz.assessment(question, essay), answers)["id"]
    quiz.grade()
    for points in (1, 0.5, 0.5):
        path = f"/submissions/{id_}/questions/{essay}/grade"
        assert quiz.teacher.post(path, {"points": points}).status_code == 200
    change(quiz, question, body=choice("b"), corrects=True, why="It is b.")
    assert regrade(quiz, question).json()["changed"] == 1

    of_key, of_essay = (
        [
            (e["previous_points"], e["previous_correct"], e["points"], e["correct"])
            for e in quiz.emitted("assessment.question.graded")
            if e["question_id"] == asked
        ]
        for asked in (question, essay)
    )
    assert of_key == [(None, None, 0, False), (0, False, 1, True)]
    assert of_essay == [(None, None, 1, None), (1, None, 0.5, None)]
    graded = quiz.emitted("assessment.graded")
    assert [(e["previous_score"], e["score"]) for e in graded] == [(None, 50), (50, 25), (25, 75)]


def test_a_grade_that_no_longer_passes_says_that_the_one_before_did(quiz: Any) -> None:
    assessment = quiz.lms.assessment(quiz.course_id, pass_score=60)
    learner_id = quiz.lms.user()
    quiz.lms.enrollment(quiz.course_id, learner_id)
    handed_in = quiz.lms.made(f"/assessments/{assessment}/submissions", {"user_id": learner_id})
    for score in (70, 50, 70):
        grade = quiz.teacher.post(f"/submissions/{handed_in['id']}/grade", {"score": score})
        assert grade.status_code == 200, grade.text
    found = [(e["previous_score"], e["previous_passed"]) for e in quiz.emitted("assessment.graded")]
    assert found == [(None, None), (70, True), (50, False)]


def test_a_question_made_new_is_not_a_correction(quiz: Any) -> None:
    """Who saw version 1 is graded by version 1, whatever the question asks nowadays."""
    question = quiz.question("single", body=choice("a"))
    submission = quiz.submitted(quiz.assessment(question), {question: {"choice": "a"}})
    quiz.grade()
    change(quiz, question, body=choice("c", explanation="another question"))
    change(quiz, question, body=choice("b"), corrects=True)
    assert regrade(quiz, question).json()["changed"] == 0
    result = quiz.results(submission["id"])
    assert (result["submission"]["score"], result["questions"][0]["version"]) == (100, 1)
    versions = quiz.teacher.get(f"/questions/{question}/versions").json()
    assert [(v["version"], v["corrects"]) for v in versions] == [
        (1, False),
        (2, False),
        (3, True),
    ]


def test_what_was_handed_in_before_a_correction_and_graded_after_it_is_graded_by_it(
    quiz: Any,
) -> None:
    question = quiz.question("single", body=choice("a"))
    submission = quiz.submitted(quiz.assessment(question), {question: {"choice": "b"}})
    change(quiz, question, body=choice("b"), corrects=True)
    regrade(quiz, question)
    quiz.grade()
    result = quiz.results(submission["id"])
    assert (result["submission"]["score"], result["questions"][0]["version"]) == (100, 1)


def test_points_that_a_person_gave_survive_a_regrade(quiz: Any) -> None:
    question = quiz.question("single", points=2, body=choice("a"))
    submission = quiz.submitted(quiz.assessment(question), {question: {"choice": "b"}})
    quiz.grade()
    path = f"/submissions/{submission['id']}/questions/{question}/grade"
    assert quiz.teacher.post(path, {"points": 1}).status_code == 200
    change(quiz, question, body=choice("b"), corrects=True)
    assert regrade(quiz, question).json()["looked_at"] == 0
    assert quiz.results(submission["id"])["submission"]["score"] == 50


def test_a_regrade_of_work_that_still_waits_for_a_person_shows_in_its_score_later(
    quiz: Any,
) -> None:
    question, essay = quiz.question("single", body=choice("a")), quiz.question("essay")
    given = {question: {"choice": "b"}, essay: {"text": "Well."}}
    submission = quiz.submitted(quiz.assessment(question, essay), given)
    quiz.grade()
    change(quiz, question, body=choice("b"), corrects=True)
    done = regrade(quiz, question).json()
    assert (done["looked_at"], done["changed"]) == (1, 0)
    assert quiz.emitted("assessment.graded") == []
    path = f"/submissions/{submission['id']}/questions/{essay}/grade"
    assert quiz.teacher.post(path, {"points": 1}).json()["submission"]["score"] == 100


def test_passing_by_a_regrade_completes_the_course_and_failing_by_one_takes_progress_back(
    quiz: Any,
) -> None:
    question = quiz.question("single", body=choice("a"))
    assessment_id = quiz.assessment(question, pass_score=50)
    quiz.assessment(title="Another one")
    quiz.submitted(assessment_id, {question: {"choice": "b"}})
    quiz.grade()

    def share() -> float:
        [row] = quiz.lms.get(f"/users/{quiz.learner_id}/enrollments").json()["items"]
        return float(row["progress"])

    before = share()
    change(quiz, question, body=choice("b"), corrects=True)
    assert regrade(quiz, question).json()["changed"] == 1
    assert share() > before
    assert quiz.emitted("enrollment.progressed")[-1]["progress"] == share()
    change(quiz, question, body=choice("c"), corrects=True)
    assert regrade(quiz, question).json()["changed"] == 1
    assert share() == before


def test_an_attempt_under_way_keeps_the_version_it_began_with(quiz: Any) -> None:
    question = quiz.question("single", body=choice("a"))
    attempt = quiz.start(quiz.assessment(question))
    change(quiz, question, body=choice("a", prompt="Which one, really?"))
    seen = quiz.learner.get(f"/attempts/{attempt['id']}").json()
    assert seen["questions"][0]["shown"]["prompt"] == "Which?"
    assert change(quiz, question, tags=["new"])["version"] == 2, "tags make no version"


def test_the_next_run_of_a_course_has_its_questions_and_quizzes(quiz: Any) -> None:
    question = quiz.question("single", tags=["x"], body=choice("a"))
    change(quiz, question, body=choice("b"), corrects=True)
    assessment_id = quiz.assessment(question, pass_score=60, time_limit_s=600)
    quiz.part(assessment_id, bank_id=quiz.bank_id, tags=["x"], draws=1, position=1)
    quiz.submitted(quiz.assessment(question), {question: {"choice": "a"}})
    copy = quiz.lms.made(f"/courses/{quiz.course_id}/copy", {"title": "Again"})["id"]
    assert len(quiz.emitted("assessment.created")) == 4
    both = quiz.lms.get(f"/courses/{copy}/assessments").json()["items"]
    [copied] = [each for each in both if each["pass_score"] == 60]
    assert (copied["time_limit_s"], len(both)) == (600, 2)
    [bank] = quiz.lms.get(f"/courses/{copy}/banks").json()["items"]
    [again] = quiz.lms.get(f"/banks/{bank['id']}/questions").json()["items"]
    assert (again["version"], again["tags"]) == (1, ["x"])
    assert [c["correct"] for c in again["body"]["choices"]] == [False, True, False]
    parts = quiz.lms.get(f"/assessments/{copied['id']}/parts").json()
    assert [(p["question_id"], p["bank_id"], p["draws"]) for p in parts] == [
        (again["id"], None, None),
        (None, bank["id"], 1),
    ]
    assert quiz.lms.get(f"/assessments/{copied['id']}/attempts").json()["items"] == []
