"""The README's journey, as it is pasted, with every process running; and joining by mail."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from typing import Any

import httpx
import pytest

from contracts.ids import new_id
from stack.profile import REPOSITORY
from tests.e2e.mail import Mailbox
from tests.e2e.product import Product
from tests.waiting import until, until_equal

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def journey(product: Product) -> str:
    """What the README's journey printed; fails the test where it did not reach its end."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Try the whole journey yourself")[2].partition("\n## ")[0]
    [script] = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    addresses = {
        "L": f"{product.lms.base_url}/api/v1".replace("//api", "/api"),
        "S": f"{product.serving.base_url}/api/v1".replace("//api", "/api"),
    }
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=REPOSITORY,
        env={**product.env, **addresses},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_the_journey_of_the_readme_ends_with_a_certificate_each_time_it_is_run(
    product: Product, mailbox: Mailbox
) -> None:
    first, second = journey(product), journey(product)
    for printed in (first, second):
        assert "Graded: 100 of 100" in printed
        assert {"course_completed", "certificate_issued"} <= set(re.findall(r"\w+", printed))
        assert "Recommended next: " in printed
        assert 'Found for "how do vaccines work"' in printed
        assert printed.rstrip().endswith("is complete: from an account to a certificate.")
    [number], [next_number] = (re.findall(r"^Run (\d+),", text, re.M) for text in (first, second))
    assert int(next_number) == int(number) + 1

    # The certificate is public, and names its holder.
    [address] = re.findall(r"http\S+/certificates/\S+", second)
    assert httpx.get(address, headers={"Accept": "application/json"}).json()["status"] == "valid"
    assert "Mira Okafor" in httpx.get(address, headers={"Accept": "text/html"}).text

    [learner] = re.findall(r"mira\.\S+@example\.org", second)
    until(lambda: len(mailbox.to(learner)) >= 2, "both were mailed")

    # And not one event of it is lost or wrong anywhere.
    report = product.said("verify", "--json", "--wait", "120", timeout_s=300)
    assert report["equal"], report


def test_a_renamed_item_is_known_by_its_new_title_everywhere(product: Product) -> None:
    operator = Client(product, product.command("token").strip())
    account = {"email": f"{new_id()}@example.org", "name": "Ines Lee", "role": "instructor"}
    teacher = operator.done("POST", "/users", account)["id"]
    course = operator.done("POST", "/courses", {"title": "Means", "instructor_id": teacher})["id"]
    path = f"/courses/{course}/items"
    item = operator.done("POST", path, {"kind": "page", "title": "Before"})["id"]
    look = (
        "from stack.postgres import connect_analytics as connect\n"
        f"query = \"SELECT title FROM analytics.item_dim WHERE item_id = '{item}'\"\n"
        "print(connect().execute(query).fetchone())"
    )
    until_equal(lambda: product.python(look), "('Before',)", within_s=60)
    title = 'Limits | "rates"\nof change, Über alles 🙂'
    renamed = product.lms.patch(
        f"/api/v1{path}/{item}", json={"title": title}, headers={"If-Match": "*"}
    )
    assert renamed.is_success, renamed.text
    until_equal(lambda: product.python(look), repr((title,)), within_s=60)
    report = product.said("verify", "--json", "--wait", "120", timeout_s=300)
    assert report["equal"], report


def test_a_journey_without_a_server_names_the_request_that_failed(product: Product) -> None:
    nowhere = replace(product, lms=httpx.Client(base_url="http://127.0.0.1:9"))
    with pytest.raises(AssertionError, match=r"failed: http://127.0.0.1:9/api/v1/users") as failure:
        journey(nowhere)
    assert "Traceback" not in str(failure.value)


class Client:
    """The LMS's API with one person's token, or nobody's."""

    def __init__(self, product: Product, token: str | None = None) -> None:
        self._http, self._token = product.lms, token

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        # The client's own operator must not answer for somebody: each request says who asks.
        return self._http.request(
            method, f"/api/v1{path}", json=body, headers=headers, auth=httpx.Auth()
        )

    def done(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.ask(method, path, body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None


def test_who_registers_or_is_invited_sets_a_password_by_mail_and_acts_for_nobody_else(
    product: Product, mailbox: Mailbox
) -> None:
    operator, nobody = Client(product, product.command("token").strip()), Client(product)
    teaching, learning = (f"{new_id()}@example.org" for _ in range(2))
    account = {"email": teaching, "name": "Ines Lee", "role": "instructor"}
    invited = operator.done("POST", "/users", account)["id"]
    operator.done("POST", f"/users/{invited}/invitations")
    nobody.done("POST", "/registrations", {"email": learning, "name": "Mira Okafor"})

    _, instructor_id = logged_in(product, mailbox, teaching)
    learner, learner_id = logged_in(product, mailbox, learning)
    assert instructor_id == invited
    assert nobody.ask("GET", "/courses").status_code == 401
    assert learner.done("GET", f"/users/{learner_id}")["name"] == "Mira Okafor"
    assert learner.ask("GET", f"/users/{instructor_id}/notifications").status_code in (403, 404)


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
