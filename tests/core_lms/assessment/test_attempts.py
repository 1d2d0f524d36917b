"""Attempts over HTTP on the real database: what learners see, by whose clock, how often."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contracts.ids import new_id
from core_lms.assessment.loops.closing import close_what_is_over
from stack.postgres import PostgresSettings, pool

pytestmark = pytest.mark.integration


def refused(response: Any, status: int, words: str) -> None:
    assert response.status_code == status, response.text
    assert words in response.json()["detail"]


def test_a_learner_answers_hands_in_and_sees_what_it_was_worth(quiz: Any) -> None:
    single, number = quiz.question("single", points=2), quiz.question("numeric")
    assessment_id = quiz.assessment(single, number, due_at=quiz.time.text(hours=1))
    attempt = quiz.start(assessment_id)
    assert [q["question_id"] for q in attempt["questions"]] == [single, number]
    assert (attempt["number"], attempt["status"], attempt["expires_at"]) == (1, "open", None)

    assert quiz.answer(attempt["id"], single, {"choice": "iqr"}, seconds=12.5).status_code == 200
    assert quiz.answer(attempt["id"], number, {"value": 9}).json()["revision"] == 1
    seen = quiz.learner.get(f"/attempts/{attempt['id']}").json()
    assert [q["answer"] for q in seen["questions"]] == [{"choice": "iqr"}, {"value": 9.0}]
    submission = quiz.learner.made(f"/attempts/{attempt['id']}/submit", None)
    assert (submission["id"], submission["attempt"]) == (attempt["id"], 1)
    assert (submission["late"], submission["score"]) == (False, None)

    quiz.grade()

    [emitted] = quiz.emitted("assessment.submitted")
    assert (emitted["attempt"], emitted["late"]) == (1, False)
    results = quiz.results(submission["id"], quiz.learner)
    assert (results["status"], results["submission"]["score"]) == ("graded", 66.67)
    first, second = results["questions"]
    assert (first["points"], first["max_points"], first["correct"]) == (2, 2, True)
    assert (second["points"], second["max_points"], second["correct"]) == (0, 1, False)
    assert second["solution"]["value"] == 3.33
    assert first["explanation"] == "It spans the middle half of the data."
    score = quiz.learner.get(f"/assessments/{assessment_id}/scores/{quiz.learner_id}").json()
    assert (score["score"], score["graded"], score["passed"]) == (66.67, 1, None)


def test_no_key_travels_before_the_results_are_out(quiz: Any) -> None:
    marks = {"id": "right", "text": "R", "correct": True, "feedback": "KEY"}
    body = {"prompt": "?", "choices": [marks, {"id": "wrong", "text": "W"}], "explanation": "KEY"}
    ids = [quiz.question("single", body=body)]
    ids.append(quiz.question("numeric", body={"prompt": "?", "value": 31337, "explanation": "KEY"}))
    accepted = [{"id": "ok", "text": "KEY"}]
    ids.append(quiz.question("short_text", body={"prompt": "?", "accepted": accepted}))
    assessment_id = quiz.assessment(*ids, release="manual", show_solutions=False)
    attempt = quiz.start(assessment_id)
    saved = quiz.answer(attempt["id"], ids[0], {"choice": "right"})
    submission = quiz.learner.post(f"/attempts/{attempt['id']}/submit")
    quiz.grade()
    path = f"/submissions/{attempt['id']}"
    hidden = quiz.learner.get(path)
    assert (hidden.json()["score"], hidden.json()["graded_at"]) == (None, None)
    refused(quiz.learner.get(f"{path}/results"), 409, "not out yet")
    mine = f"/assessments/{assessment_id}/scores/{quiz.learner_id}"
    refused(quiz.learner.get(mine), 409, "not out yet")
    assert quiz.teacher.get(path).json()["score"] == 33.33
    assert "KEY" in json.dumps(quiz.results(attempt["id"], quiz.teacher))

    assert quiz.teacher.post(f"/assessments/{assessment_id}/release").status_code == 200
    out = quiz.results(attempt["id"], quiz.learner)
    assert out["submission"]["score"] == 33.33
    everything = json.dumps([attempt, saved.json(), submission.json(), hidden.json(), out])
    assert "KEY" not in everything
    assert "31337" not in everything
    assert '"correct": true' in json.dumps(out["questions"][0])
    assert quiz.learner.get(mine).json()["score"] == 33.33


def test_learners_are_asked_different_questions_in_different_orders(quiz: Any) -> None:
    for number in range(8):
        quiz.question("single", tags=["easy", f"t{number % 2}"])
    named = quiz.question("numeric")
    assessment_id = quiz.assessment(named)
    quiz.part(assessment_id, bank_id=quiz.bank_id, tags=["easy", "t1"], draws=3, position=1)
    asked, orders = set(), set()
    for _ in range(6):
        person = quiz.lms.user()
        quiz.lms.enrollment(quiz.course_id, person)
        learner = quiz.lms.person(person)
        attempt = quiz.start(assessment_id, learner)
        first, *draws = [q["question_id"] for q in attempt["questions"]]
        assert (first, len(set(draws))) == (named, 3)
        asked.add(tuple(sorted(draws)))
        shown = [q["shown"] for q in attempt["questions"][1:]]
        orders |= {tuple(c["id"] for c in each["choices"]) for each in shown}
        again = learner.get(f"/attempts/{attempt['id']}").json()
        assert again["questions"] == attempt["questions"], "an attempt stays as it was drawn"
    assert len(asked) > 1
    assert len(orders) > 1


def test_who_starts_again_goes_on_and_attempts_end(quiz: Any) -> None:
    assessment_id = quiz.assessment(quiz.question("single"), max_attempts=2)
    first = quiz.start(assessment_id)
    path = f"/assessments/{assessment_id}/attempts"
    again = quiz.learner.post(path, {})
    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    quiz.learner.made(f"/attempts/{first['id']}/submit", None)
    key = new_id()
    second = quiz.learner.made(path, {}, key=key)
    assert second["number"] == 2
    assert quiz.learner.post(path, {}, key=key).json()["id"] == second["id"]
    refused(quiz.learner.post(path, {"user_id": quiz.learner_id}, key=key), 422, "different")
    once = quiz.learner.post(f"/attempts/{second['id']}/submit")
    twice = quiz.learner.post(f"/attempts/{second['id']}/submit")
    assert (once.status_code, twice.status_code) == (201, 200)
    assert once.json() == twice.json()
    refused(quiz.learner.post(path, {}), 409, "used up")
    assert len(quiz.emitted("assessment.submitted")) == 2
    grant = {"user_id": quiz.learner_id, "extra_attempts": 1}
    quiz.teacher.made(f"/assessments/{assessment_id}/accommodations", grant)
    assert quiz.learner.made(path, {})["number"] == 3
    listed = quiz.learner.get(path, user_id=quiz.learner_id).json()["items"]
    assert [each["number"] for each in listed] == [1, 2, 3]


def test_two_starts_at_once_begin_one_attempt(quiz: Any) -> None:
    assessment_id = quiz.assessment(quiz.question("single"))
    path = f"/assessments/{assessment_id}/attempts"
    learner = quiz.learner
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: learner.post(path, {}), range(6)))
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    assert len({a.json()["id"] for a in answers if a.status_code < 300}) == 1
    assert len(quiz.lms.get(path).json()["items"]) == 1


def test_answers_after_limit_and_grace_are_refused_and_what_was_saved_counts(quiz: Any) -> None:
    question = quiz.question("single")
    assessment_id = quiz.assessment(question, time_limit_s=600, grace_s=10)
    attempt = quiz.start(assessment_id)
    assert attempt["expires_at"] == quiz.time.text(minutes=10)
    quiz.time.after(minutes=10, seconds=10)
    assert quiz.answer(attempt["id"], question, {"choice": "iqr"}).status_code == 200
    quiz.time.after(seconds=1)
    refused(quiz.answer(attempt["id"], question, {"choice": "mode"}), 409, "was over at")
    submission = quiz.learner.made(f"/attempts/{attempt['id']}/submit", None)
    assert submission["submitted_at"] == quiz.time.text(seconds=-1), "as of its end"
    refused(quiz.answer(attempt["id"], question, {"choice": "mode"}), 409, "handed in")
    quiz.grade()
    assert quiz.results(attempt["id"])["submission"]["score"] == 100


def test_answers_after_the_limit_are_let_in_and_flagged_by_setting(quiz: Any) -> None:
    question = quiz.question("single")
    assessment_id = quiz.assessment(question, time_limit_s=600, after_limit="flag")
    attempt = quiz.start(assessment_id)
    assert quiz.answer(attempt["id"], question, {"choice": "mode"}).json()["over_time"] is False
    quiz.time.after(minutes=11)
    assert quiz.answer(attempt["id"], question, {"choice": "iqr"}).json()["over_time"] is True
    assert quiz.learner.get(f"/attempts/{attempt['id']}").json()["over_time"] is True
    submission = quiz.learner.made(f"/attempts/{attempt['id']}/submit", None)
    assert submission["submitted_at"] == quiz.time.text()


def test_a_grant_gives_time_to_the_attempt_under_way(quiz: Any) -> None:
    question = quiz.question("single")
    assessment_id = quiz.assessment(question, time_limit_s=600, grace_s=0)
    attempt = quiz.start(assessment_id)
    grant = {"user_id": quiz.learner_id, "time_factor": 1.5}
    path = f"/courses/{quiz.course_id}/accommodations"
    quiz.teacher.made(path, grant)
    quiz.time.after(minutes=14)
    assert quiz.answer(attempt["id"], question, {"choice": "iqr"}).status_code == 200
    listed = quiz.teacher.get(f"/assessments/{assessment_id}/accommodations").json()["items"]
    assert [(each["user_id"], each["time_factor"]) for each in listed] == [(quiz.learner_id, 1.5)]
    assert quiz.teacher.call("DELETE", f"{path}/{quiz.learner_id}").status_code == 204
    refused(quiz.answer(attempt["id"], question, {"choice": "mode"}), 409, "was over at")
    assert quiz.teacher.call("DELETE", f"{path}/{quiz.learner_id}").status_code == 404


def test_an_extension_moves_due_and_closing_dates_of_one_learner(quiz: Any) -> None:
    question = quiz.question("single")
    rules = {"due_at": quiz.time.text(hours=1), "closes_at": quiz.time.text(hours=2)}
    assessment_id = quiz.assessment(question, late_penalty=50, **rules)
    other_id = quiz.lms.user()
    quiz.lms.enrollment(quiz.course_id, other_id)
    other = quiz.lms.person(other_id)
    grant = {"user_id": other_id, "extension_s": 3600}
    quiz.teacher.made(f"/assessments/{assessment_id}/accommodations", grant)
    quiz.time.after(minutes=90)
    late = quiz.submitted(assessment_id, {question: {"choice": "iqr"}})
    in_time = quiz.submitted(assessment_id, {question: {"choice": "iqr"}}, other)
    assert (late["late"], in_time["late"]) == (True, False)
    quiz.grade()
    assert quiz.results(late["id"])["submission"]["score"] == 50
    assert quiz.results(in_time["id"])["submission"]["score"] == 100
    quiz.time.after(minutes=60)
    path = f"/assessments/{assessment_id}/attempts"
    refused(quiz.learner.post(path, {}), 409, "closed at")
    assert other.post(path, {}).status_code == 201


def test_nobody_begins_before_it_opens_without_enrollment_or_without_questions(quiz: Any) -> None:
    question = quiz.question("single")
    early = quiz.assessment(question, opens_at=quiz.time.text(hours=1))
    refused(quiz.learner.post(f"/assessments/{early}/attempts", {}), 409, "opens at")
    stranger = quiz.lms.person(quiz.lms.user())
    open_now = quiz.assessment(question)
    refused(stranger.post(f"/assessments/{open_now}/attempts", {}), 403, "attempt.start")
    nobody = {"user_id": quiz.lms.user()}
    refused(quiz.lms.post(f"/assessments/{open_now}/attempts", nobody), 409, "not enrolled")
    plain = quiz.assessment()
    refused(quiz.learner.post(f"/assessments/{plain}/attempts", {}), 409, "asks no questions")
    handed_in = {"user_id": quiz.learner_id}
    refused(quiz.learner.post(f"/assessments/{open_now}/submissions", handed_in), 409, "asks")
    assert quiz.learner.post(f"/assessments/{plain}/submissions", handed_in).status_code == 201


def test_an_older_autosave_that_arrives_late_does_not_undo_a_newer_one(quiz: Any) -> None:
    question = quiz.question("numeric")
    attempt_id = quiz.start(quiz.assessment(question))["id"]
    assert quiz.answer(attempt_id, question, {"value": 2}, revision=2, seconds=20).json()[
        "answer"
    ] == {"value": 2.0}
    stale = quiz.answer(attempt_id, question, {"value": 1}, revision=1).json()
    assert (stale["answer"], stale["revision"]) == ({"value": 2.0}, 2)
    repeated = quiz.answer(attempt_id, question, {"value": 2}, revision=2)
    assert repeated.status_code == 200
    taken_back = quiz.answer(attempt_id, question, None, revision=3).json()
    assert taken_back["answer"] is None


def test_an_answer_of_another_shape_or_to_another_question_is_refused(quiz: Any) -> None:
    question, other = quiz.question("numeric"), quiz.question("numeric")
    attempt_id = quiz.start(quiz.assessment(question))["id"]
    refused(quiz.answer(attempt_id, question, {"choice": "a"}), 422, "answer.")
    refused(quiz.answer(attempt_id, question, {"value": "3"}), 422, "answer.value")
    refused(quiz.answer(attempt_id, other, {"value": 3}), 404, "no question")
    assert quiz.answer(attempt_id, question, "3").status_code == 422


def test_what_learners_left_open_is_handed_in_as_of_its_end(quiz: Any) -> None:
    question = quiz.question("single")
    assessment_id = quiz.assessment(question, time_limit_s=60, grace_s=0)
    attempt = quiz.start(assessment_id)
    quiz.answer(attempt["id"], question, {"choice": "iqr"})
    end = quiz.time.text(seconds=60)

    async def close() -> int:
        connections = pool(PostgresSettings().app_url)
        async with connections:
            return await close_what_is_over(connections, quiz.time.now)

    asyncio.run(close())
    assert quiz.learner.get(f"/attempts/{attempt['id']}").json()["status"] == "open"
    quiz.time.after(minutes=5)
    assert asyncio.run(close()) >= 1
    [emitted] = quiz.emitted("assessment.submitted")
    assert emitted["submission_id"] == attempt["id"]
    assert quiz.learner.get(f"/submissions/{attempt['id']}").json()["submitted_at"] == end
    asyncio.run(close())
    assert len(quiz.emitted("assessment.submitted")) == 1
    assert quiz.start(assessment_id)["number"] == 2


def test_starting_again_after_the_time_ran_out_hands_in_the_one_before(quiz: Any) -> None:
    question = quiz.question("single")
    assessment_id = quiz.assessment(question, time_limit_s=60)
    first = quiz.start(assessment_id)
    quiz.time.after(minutes=5)
    assert quiz.start(assessment_id)["number"] == 2
    assert quiz.learner.get(f"/attempts/{first['id']}").json()["status"] == "submitted"


@pytest.mark.parametrize(("rule", "counts"), [("best", 100), ("last", 0), ("average", 50)])
def test_of_several_attempts_counts_what_the_rule_says(quiz: Any, rule: str, counts: float) -> None:
    question = quiz.question("single")
    assessment_id = quiz.assessment(question, score_rule=rule)
    for choice in ("iqr", "mode"):
        quiz.submitted(assessment_id, {question: {"choice": choice}})
        quiz.time.after(minutes=1)
    quiz.grade()
    score = quiz.learner.get(f"/assessments/{assessment_id}/scores/{quiz.learner_id}").json()
    assert (score["score"], score["graded"]) == (counts, 2)
    listed = quiz.teacher.get(f"/assessments/{assessment_id}/scores").json()["items"]
    assert [each["score"] for each in listed] == [counts]
