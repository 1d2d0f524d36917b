"""Serving as an attacker asks it: whose offers are whose, over the real LMS, by real tokens."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
import pytest

from contracts.ids import DEFAULT_INSTITUTION, new_id
from contracts.topics import RECOMMENDATIONS
from core_lms.access import operator
from core_lms.access.operator import OperatorAuth
from gateway.caller import Caller
from gateway.tokens import issue
from serving.relations import KEPT_S, NOTHING, SELF, Related, Relations
from stack import cli, kafka
from stack import redis as stack_redis
from stack.http import HttpSettings
from stack.postgres import connect_lms
from tests.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

BURST = 8
SAME = {"X-Request-Id": "the-same-for-all"}


@contextmanager
def _environment(**settings: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        yield


@dataclass
class World:
    """Ana, who studies with Ines; her guardian; somebody who has nothing to do with any of them."""

    people: dict[str, str]
    course: str
    items: list[str]
    database: psycopg.Connection[Any]
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, who: str) -> str:
        if who not in self.tokens:
            role = {"ines": "instructor", "other_teacher": "instructor", "admin": "admin"}
            self.tokens[who] = issue(
                operator.ring(),
                DEFAULT_INSTITUTION,
                user_id=self.people[who],
                roles=[f"{role.get(who, 'student')}@institution"],
            )
        return self.tokens[who]

    def ask(
        self, who: str | None, method: str, path: str, token: str | None = None, **more: Any
    ) -> httpx.Response:
        if who is not None:
            token = self.token(who)
        headers = {**SAME, **({"Authorization": f"Bearer {token}"} if token else {})}
        headers |= more.pop("headers", {})
        url = f"{HttpSettings().serving_url}/api/v1{path}"
        return httpx.request(method, url, headers=headers, timeout=20, **more)

    def offers(self, who: str | None, about: str, **more: Any) -> httpx.Response:
        """What ``who`` gets of the recommendations of ``about``, a person or an id."""
        params = {"user_id": self.people.get(about, about), "limit": 3, **more}
        return self.ask(who, "GET", "/recommendations", params=params)


@pytest.fixture(scope="module")
def world(stack: Any) -> Iterator[World]:
    assert cli.call("up", "lms") == 0
    auth = OperatorAuth(DEFAULT_INSTITUTION, "test")
    url = f"{HttpSettings().lms_url}/api/v1"
    with (
        httpx.Client(base_url=url, auth=auth, timeout=20) as lms,
        connect_lms(autocommit=True) as database,
    ):

        def made(path: str, body: Any = None) -> dict[str, Any]:
            answer = lms.post(path, json=body)
            assert answer.is_success, answer.text
            found: dict[str, Any] = answer.json()
            return found

        def person(role: str) -> str:
            body = {"email": f"{new_id()}@example.org", "name": "Somebody", "role": role}
            return str(made("/users", body)["id"])

        people = {
            who: person("student") for who in ("ana", "ben", "guardian", "named", "pump", "quiet")
        }
        people |= {who: person("instructor") for who in ("ines", "other_teacher")}
        people["admin"] = person("admin")
        course = str(made("/courses", {"title": "A", "instructor_id": people["ines"]})["id"])
        items = [
            str(made(f"/courses/{course}/items", {"kind": "page", "title": f"Page {n}"})["id"])
            for n in range(4)
        ]
        made(f"/courses/{course}/publish")
        made(f"/courses/{course}/enrollments", {"user_id": people["ana"]})
        database.execute(
            "INSERT INTO guardians (guardian_id, learner_id, verified_at, institution_id) "
            "VALUES (%s, %s, now(), %s), (%s, %s, NULL, %s)",
            [people["guardian"], people["ana"], DEFAULT_INSTITUTION,
             people["named"], people["ana"], DEFAULT_INSTITUTION],
        )  # fmt: skip
        with _environment(LMS_SERVING_OFFERS=f"6/min burst {BURST}"):
            assert cli.call("up", "serving") == 0
        found = World(people, course, items, database)
        until(lambda: found.offers("ben", "ben").is_success, "the catalogue has arrived")
        try:
            yield found
        finally:
            cli.call("down", "lms", "serving")


def test_nobody_in_particular_gets_nothing(world: World) -> None:
    item = {"item_id": world.items[0]}
    for answer in (
        world.offers(None, "ana"),
        world.ask(None, "GET", "/search", params={"q": "page"}),
        world.ask(None, "POST", f"/recommendations/{new_id()}/clicks", json=item),
        world.ask(None, "POST", f"/recommendations/{new_id()}/dismissals", json=item),
    ):
        assert answer.status_code == 401, answer.text
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_learner_gets_their_own_and_can_click_and_dismiss(world: World) -> None:
    answer = world.offers("ana", "ana").json()
    assert len(answer["items"]) == 3
    body = {"item_id": answer["items"][0]["item_id"]}
    path = f"/recommendations/{answer['recommendation_id']}"
    assert world.ask("ana", "POST", f"{path}/clicks", json=body).status_code == 202
    assert world.ask("ana", "POST", f"{path}/dismissals", json=body).status_code == 202
    left = {item["item_id"] for item in world.offers("ana", "ana", limit=50).json()["items"]}
    assert body["item_id"] not in left


@pytest.mark.parametrize("who", ["ben", "other_teacher", "named", "ines"])
def test_a_refusal_is_byte_for_byte_that_of_an_unknown_id(world: World, who: str) -> None:
    """Whoever has not taught, begotten or been Ana, and her teacher who names no course of hers."""
    known, unknown = world.offers(who, "ana"), world.offers(who, new_id())
    assert known.status_code == 404
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    volatile = {"date", "ratelimit"}
    for name in known.headers.keys() - volatile:
        assert known.headers[name] == unknown.headers[name], name
    assert known.headers.keys() == unknown.headers.keys()
    assert world.people["ana"] not in known.text


def test_guardians_and_teachers_see_but_nothing_was_shown_to_the_learner(world: World) -> None:
    for who, more in (
        ("guardian", {}),
        ("admin", {}),
        ("ines", {"course_id": world.course}),
    ):
        answer = world.offers(who, "ana", **more)
        assert answer.status_code == 200, (who, answer.text)
        assert answer.json()["items"], who
        assert answer.json()["recommendation_id"] is None, who


def test_a_teacher_reads_of_their_own_course_only(world: World) -> None:
    answer = world.offers("ines", "ana", course_id=world.course, limit=50).json()
    assert {item["course_id"] for item in answer["items"]} == {world.course}
    assert {item["source"] for item in answer["items"]} <= {"course", "popular"}
    assert world.offers("ines", "ana", course_id=new_id()).status_code == 404
    assert world.offers("ines", "ben", course_id=world.course).status_code == 404


def test_nobody_clicks_or_dismisses_for_another(world: World) -> None:
    answer = world.offers("ana", "ana").json()
    body = {"item_id": answer["items"][0]["item_id"]}
    for deed in ("clicks", "dismissals"):
        path = f"/recommendations/{answer['recommendation_id']}/{deed}"
        never = f"/recommendations/{new_id()}/{deed}"
        for who in ("ben", "guardian", "ines", "admin"):
            foreign = world.ask(who, "POST", path, json=body)
            unknown = world.ask(who, "POST", never, json=body)
            assert foreign.status_code == 404, (who, deed)
            assert foreign.content == unknown.content, (who, deed)
    left = {item["item_id"] for item in world.offers("ana", "ana", limit=50).json()["items"]}
    assert body["item_id"] in left


def test_only_what_was_shown_can_be_clicked(world: World) -> None:
    answer = world.offers("ana", "ana", limit=1).json()
    shown = {item["item_id"] for item in answer["items"]}
    other = next(item for item in world.items if item not in shown)
    path = f"/recommendations/{answer['recommendation_id']}/clicks"
    assert world.ask("ana", "POST", path, json={"item_id": other}).status_code == 404


def test_impressions_cannot_be_pumped(world: World) -> None:
    codes = [world.offers("pump", "pump", limit=50).status_code for _ in range(3 * BURST)]
    assert codes.count(200) <= BURST + 3
    assert set(codes) == {200, 429}
    refused = world.offers("pump", "pump")
    assert int(refused.headers["retry-after"]) >= 1
    assert world.offers("ben", "ben").status_code == 200, "another's bucket is another's"


def test_after_withdrawing_personalization_nothing_about_a_learner_is_recorded(
    world: World,
) -> None:
    quiet = world.people["quiet"]
    before = world.offers("quiet", "quiet").json()
    item = {"item_id": before["items"][0]["item_id"]}
    click = f"/recommendations/{before['recommendation_id']}/clicks"
    assert world.ask("quiet", "POST", click, json=item).status_code == 202
    url = f"{HttpSettings().lms_url}/api/v1/users/{quiet}/consents/personalization"
    headers = {"Authorization": f"Bearer {world.token('quiet')}"}
    answer = httpx.put(url, json={"given": False}, headers=headers, timeout=20)
    assert answer.status_code == 200, answer.text

    after = world.offers("quiet", "quiet").json()
    assert len(after["items"]) == 3
    assert after["recommendation_id"] is None
    assert world.ask("quiet", "POST", click, json=item).status_code == 404
    # Another's answer goes the same way to Kafka, after any event about this one.
    other = world.offers("ben", "ben").json()["recommendation_id"]
    events: list[dict[str, Any]] = []
    deadline = time.monotonic() + 60
    while not any(event["payload"]["recommendation_id"] == other for event in events):
        assert time.monotonic() < deadline
        starts = dict.fromkeys(kafka.places(RECOMMENDATIONS.name), 0)
        events = [
            json.loads(message.value())
            for messages in kafka.remaining(starts)
            for message in messages
        ]
    of_quiet = [event for event in events if event["payload"]["user_id"] == quiet]
    assert {event["payload"]["recommendation_id"] for event in of_quiet} == {
        before["recommendation_id"]
    }
    assert [event["event_type"] for event in of_quiet].count("recommendation.clicked") == 1


def test_search_is_for_people_of_the_institution(world: World) -> None:
    question = {"params": {"q": "a page"}}
    assert world.ask("ben", "GET", "/search", **question).status_code in (200, 503)
    institution = new_id()
    foreign = issue(operator.ring(), institution, user_id=new_id(), roles=["student@institution"])
    answer = world.ask(None, "GET", "/search", token=foreign, **question)
    assert answer.status_code == 403
    headers = {"X-Institution-Id": institution}
    assert world.ask("ben", "GET", "/search", headers=headers, **question).status_code == 422


def test_a_machine_does_what_its_key_names_and_no_more(world: World) -> None:
    reading = issue(
        operator.ring(), DEFAULT_INSTITUTION, permissions=["recommendation.read"], name="reader"
    )
    params = {"user_id": world.people["ana"], "limit": 1}
    answer = world.ask(None, "GET", "/recommendations", token=reading, params=params)
    assert answer.status_code == 200, answer.text
    assert answer.json()["recommendation_id"] is None, "reading is not showing"
    nothing = issue(operator.ring(), DEFAULT_INSTITUTION, permissions=["user.read"], name="other")
    assert (
        world.ask(None, "GET", "/recommendations", token=nothing, params=params).status_code == 404
    )


def test_a_session_that_was_ended_is_ended_here_too(world: World) -> None:
    session = new_id()
    token = issue(
        operator.ring(),
        DEFAULT_INSTITUTION,
        user_id=world.people["ben"],
        roles=["student@institution"],
        session_id=session,
    )
    params = {"q": "page"}
    assert world.ask(None, "GET", "/search", token=token, params=params).status_code != 401
    stack_redis.client().set(f"revoked:{session}", "1", ex=60)
    assert world.ask(None, "GET", "/search", token=token, params=params).status_code == 401


def test_an_end_of_a_relation_is_known_here_after_so_long() -> None:
    now, said = [0.0], [(frozenset({"guardian"}), frozenset[str]())]

    class Lms:
        asked = 0

        async def relations(self, token: str, user_id: str) -> Any:
            self.asked += 1
            return said[0]

    lms: Any = Lms()
    known = Relations(lms, lambda: now[0])
    parent, ana = Caller("person", DEFAULT_INSTITUTION, user_id=new_id()), new_id()

    async def ask() -> Related:
        return await known.of(parent, "token", ana)

    async def run() -> None:
        assert (await ask()).relations == {"guardian"}
        said[0] = (frozenset(), frozenset())
        assert (await ask()).relations == {"guardian"}
        assert lms.asked == 1
        now[0] += KEPT_S
        assert await ask() == NOTHING
        assert await known.of(parent, "token", parent.user_id or "") is SELF
        assert lms.asked == 2

    asyncio.run(run())
