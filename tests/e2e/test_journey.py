"""One person from the first mail to the certificate, over HTTP, with every process running."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from contracts.ids import new_id
from tests.e2e.mail import Mailbox
from tests.e2e.product import Product
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


class Client:
    """The LMS's API with one person's token."""

    def __init__(self, product: Product, token: str | None = None) -> None:
        self._http, self._token = product.lms, token

    def ask(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        headers |= {"Authorization": f"Bearer {self._token}"} if self._token else {}
        # The client's own operator must not answer for somebody: each request says who asks.
        return self._http.request(
            method, f"/api/v1{path}", json=body, headers=headers, auth=httpx.Auth()
        )

    def done(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        answer = self.ask(method, path, body, key)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None


def graded(answer: httpx.Response) -> bool:
    return answer.status_code == 200 and answer.json()["submission"]["score"] is not None


def logged_in(product: Product, mailbox: Mailbox, email: str) -> tuple[Client, str]:
    """Follow the mailed link to a password of one's own, and log in with it."""
    mail = until(lambda: mailbox.to(email), f"a mail to {email}")[-1]
    token = re.search(r"#(lsl1_[\w=-]+)", mail)
    assert token, mail
    nobody = Client(product)
    password = f"quiet harbour {new_id()}"
    nobody.done("POST", "/passwords", {"token": token.group(1), "password": password})
    session = nobody.done("POST", "/sessions", {"email": email, "password": password})
    return Client(product, session["access_token"]), session["user_id"]


def test_from_registering_to_the_certificate(product: Product, mailbox: Mailbox) -> None:
    operator = Client(product, product.command("token").strip())
    nobody = Client(product)

    # Authentication: an invited instructor, a learner who registers without being asked.
    teaching, learning = (f"{new_id()}@example.org" for _ in range(2))
    account = {"email": teaching, "name": "Ines Lee", "role": "instructor"}
    invited = operator.done("POST", "/users", account)["id"]
    operator.done("POST", f"/users/{invited}/invitations")
    nobody.done("POST", "/registrations", {"email": learning, "name": "Mira Okafor"})
    instructor, instructor_id = logged_in(product, mailbox, teaching)
    learner, learner_id = logged_in(product, mailbox, learning)
    assert instructor_id == invited

    course_id = _course(instructor, instructor_id)

    # Discovery.
    assert nobody.ask("GET", "/courses?q=sundials").status_code == 401
    found = learner.done("GET", "/courses?q=sundials&status=published")["items"]
    assert course_id in [course["id"] for course in found]

    # Enrollment: for oneself and for nobody else.
    enrolling = f"/courses/{course_id}/enrollments"
    assert learner.ask("POST", enrolling, {"user_id": instructor_id}).status_code == 403
    key = new_id()
    enrollment = learner.done("POST", enrolling, {"user_id": learner_id}, key)
    assert learner.done("POST", enrolling, {"user_id": learner_id}, key) == enrollment

    # Content.
    [page] = learner.done("GET", f"/courses/{course_id}/items")["items"]
    for event_type in ("content.viewed", "content.completed"):
        body = {"event_type": event_type, "user_id": learner_id}
        learner.done("POST", f"/courses/{course_id}/items/{page['id']}/events", body)

    # Assessment: the grading service hears of it through Kafka.
    [quiz] = learner.done("GET", f"/courses/{course_id}/assessments")["items"]
    attempt = learner.done("POST", f"/assessments/{quiz['id']}/attempts", {"user_id": learner_id})
    for question in attempt["questions"]:
        answer = {"question_id": question["question_id"], "answer": {"value": 15}}
        learner.done("POST", f"/attempts/{attempt['id']}/answers", answer)
    learner.done("POST", f"/attempts/{attempt['id']}/submit")
    results = until(
        lambda: learner.ask("GET", f"/submissions/{attempt['id']}/results"),
        "it is graded",
        accepts=graded,
    )
    assert float(results.json()["submission"]["score"]) == 100

    # Certification: public, signed, and nobody else's business to revoke.
    certificates = f"/users/{learner_id}/certificates"
    [certificate] = until(lambda: learner.done("GET", certificates)["items"], "a certificate")
    public = httpx.get(certificate["url"], headers={"Accept": "application/json"}).json()
    assert public["status"] == "valid"
    revoking = f"/certificates/{certificate['id']}/revoke"
    assert learner.ask("POST", revoking, {"reason": "not mine"}).status_code == 403
    page_shown = httpx.get(certificate["url"], headers={"Accept": "text/html"})
    assert "Mira Okafor" in page_shown.text

    # Told, in the product and by mail; and not one event of it is lost or wrong anywhere.
    told = until(
        lambda: learner.done("GET", f"/users/{learner_id}/notifications")["items"],
        "both are in the product",
        accepts=lambda found: (
            {"course_completed", "certificate_issued"} <= {n["kind"] for n in found}
        ),
    )
    assert len({notification["id"] for notification in told}) == len(told)
    until(lambda: len(mailbox.to(learning)) >= 3, "and were mailed")
    report = product.said("verify", "--json", "--wait", "120", timeout_s=300)
    assert report["equal"], report


def _course(instructor: Client, instructor_id: str) -> str:
    """A course about sundials: one page, one question."""
    body = {"title": "Sundials", "instructor_id": instructor_id}
    course_id = str(instructor.done("POST", "/courses", body)["id"])
    page = {"kind": "page", "title": "Shadows", "metadata": {"body": "A shadow *moves*."}}
    instructor.done("POST", f"/courses/{course_id}/items", page)
    bank = instructor.done("POST", f"/courses/{course_id}/banks", {"title": "Angles"})
    question = instructor.done(
        "POST",
        f"/banks/{bank['id']}/questions",
        {"kind": "numeric", "body": {"prompt": "Degrees in an hour?", "value": 15}},
    )
    quiz = instructor.done(
        "POST", f"/courses/{course_id}/assessments", {"kind": "quiz", "title": "Hours"}
    )
    part = {"question_id": question["id"]}
    instructor.done("POST", f"/assessments/{quiz['id']}/parts", part)
    instructor.done("POST", f"/courses/{course_id}/publish")
    return course_id
