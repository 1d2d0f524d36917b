"""Analytical databases of our own on the test profile's server: an empty one and a filled one."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from psycopg import sql

from contracts.ids import named_id
from core_lms.access import operator
from pipelines import schema
from pipelines.derive import rebuild
from pipelines.derive.engine import Engine
from stack.postgres import PostgresSettings, connect_lms
from stack.profile import REPOSITORY, Profile, profile
from tests.waiting import until

TITLE = 'Limits | "rates" of\nchange'
"""Of the busiest item."""
INSTITUTION = UUID(named_id("dashboards", "institution"))
_WITH_DATABASE = "LMS_POSTGRES_ANALYTICS_URL"


def _url(name: str) -> str:
    return PostgresSettings().analytics_url.rsplit("/", 1)[0] + f"/{name}"


@contextmanager
def _set(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextmanager
def database() -> Iterator[str]:
    """The address of a prepared analytical database that is dropped afterwards."""
    name = f"dashboards_{uuid4().hex[:12]}"
    maintenance = PostgresSettings().analytics_url
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        with _set(_WITH_DATABASE, _url(name)):
            schema.prepare()
        yield _url(name)
    finally:
        with psycopg.connect(maintenance, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )


def _id_of(moment: datetime) -> UUID:
    """As ``contracts.ids.new_id`` makes them: version 7, beginning with the milliseconds."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0x2 << 62 | secrets.randbits(60))


@dataclass
class Rows:
    """Writes what the pipelines would have written for an event: the archive and its aggregates."""

    url: str
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    institution: UUID = INSTITUTION

    def event(
        self,
        event_type: str,
        topic: str,
        at: datetime,
        *,
        clicks: int | None = None,
        delay_s: float = 0.5,
        told_s: float | None = 0.0,
        more: dict[str, Any] | None = None,
        **ids: Any,
    ) -> None:
        """Stored ``delay_s`` after it was recorded, which was ``told_s`` after it happened.

        Without ``told_s`` it was imported: its id is named and carries no moment.
        """
        recorded_at = at + timedelta(seconds=told_s or 0)
        payload = {**{name: str(value) for name, value in ids.items()}, **(more or {})}
        row = {
            "event_id": uuid4() if told_s is None else _id_of(recorded_at),
            "event_type": event_type,
            "topic": topic,
            "timestamp": at,
            "institution_id": self.institution,
            **{name: ids.get(name) for name in ("user_id", "course_id", "item_id", "kind")},
            "clicks": clicks,
            "source_service": "test",
            "schema_version": 1,
            "payload": json.dumps(payload),
            "received_at": recorded_at + timedelta(seconds=delay_s),
        }
        with psycopg.connect(self.url) as connection:
            connection.execute(
                f"INSERT INTO activity_events ({', '.join(row)}) "
                f"VALUES ({', '.join(f'%({name})s' for name in row)})",
                row,
            )
            if topic == "lms.content.events":
                user, course = ids["user_id"], ids["course_id"]
                self._count(connection, at, user, course, ids["kind"], clicks or 0)

    def view(self, user: UUID, item: UUID, course: UUID, at: datetime, clicks: int = 1) -> None:
        place = dict[str, Any](user_id=user, course_id=course, item_id=item, kind="video")
        self.event("content.viewed", "lms.content.events", at, clicks=clicks, **place)

    def _count(
        self,
        connection: psycopg.Connection[Any],
        at: datetime,
        user: UUID,
        course: UUID,
        kind: str,
        clicks: int,
    ) -> None:
        add = "SET events = seen.events + 1, clicks = seen.clicks + excluded.clicks"
        for bucket in ("minute", "hour", "day"):
            connection.execute(
                f"INSERT INTO course_activity_{bucket} AS seen "
                f"VALUES (date_trunc('{bucket}', %s, 'UTC'), %s, %s, %s, 1, %s) "
                f"ON CONFLICT (bucket_at, institution_id, course_id, kind, part) DO UPDATE {add}",
                (at, self.institution, course, kind, clicks),
            )
        connection.execute(
            "INSERT INTO learner_course_day (bucket_at, institution_id, course_id, user_id) "
            "VALUES (date_trunc('day', %s, 'UTC'), %s, %s, %s) ON CONFLICT DO NOTHING",
            (at, self.institution, course, user),
        )


@pytest.fixture(scope="session")
def empty(stack: Profile) -> Iterator[str]:
    """Tables without rows."""
    with database() as url:
        yield url


@pytest.fixture
def fresh(stack: Profile) -> Iterator[str]:
    """Tables without rows, for one test to write into."""
    with database() as url:
        yield url


@pytest.fixture
def rows(fresh: str) -> Rows:
    return Rows(fresh)


LEARNERS = [UUID(named_id("dashboards", "learner", n)) for n in range(4)]
COURSES = [UUID(named_id("dashboards", "course", n)) for n in range(2)]
ITEMS = [UUID(named_id("dashboards", "item", n)) for n in range(3)]


@pytest.fixture(scope="session")
def filled(stack: Profile) -> Iterator[str]:
    """A little of everything: history, the last minutes, enrollments, recommendations."""
    with database() as url:
        rows = Rows(url)
        now = rows.now
        ana, bea, cem, dan = LEARNERS
        old = datetime(2014, 6, 1, tzinfo=UTC)
        rows.view(dan, ITEMS[2], COURSES[1], old, clicks=40)
        rows.view(ana, ITEMS[0], COURSES[0], now - timedelta(minutes=3))
        rows.view(ana, ITEMS[1], COURSES[0], now - timedelta(minutes=2))
        rows.view(bea, ITEMS[0], COURSES[0], now - timedelta(minutes=2), clicks=3)
        rows.view(cem, ITEMS[0], COURSES[0], now - timedelta(minutes=40))
        for number, (learner, last) in enumerate(
            [(ana, None), (bea, "course.completed"), (cem, "enrollment.dropped"), (dan, None)]
        ):
            about = dict[str, Any](enrollment_id=uuid4(), user_id=learner, course_id=COURSES[0])
            at = now - timedelta(hours=number + 2)
            topic = "lms.enrollments.events"
            rows.event("enrollment.created", topic, at, **about)
            rows.event("enrollment.progressed", topic, at + timedelta(minutes=9), **about)
            if last:
                rows.event(last, topic, at + timedelta(minutes=5), **about)
        answer = str(uuid4())
        topic = "lms.recommendations.events"
        for position, source in enumerate(("personal", "personal", "popular"), start=1):
            about = {"user_id": ana, "item_id": ITEMS[position - 1]}
            more = {"recommendation_id": answer, "position": position}
            tried = {"source": source, "model": "0" * 64, "arm": "control"}
            at = now - timedelta(minutes=5)
            rows.event("recommendation.shown", topic, at, more={**more, **tried}, **about)
            if position == 1:  # twice: a double click is one
                for _ in range(2):
                    rows.event("recommendation.clicked", topic, at, more=more, **about)
        _teaching(rows, now - timedelta(days=10))
        topic, at = "lms.courses.events", now - timedelta(days=9)
        about = {"course_id": COURSES[0], "item_id": ITEMS[0], "kind": "video"}
        for revision, title in ((2, TITLE), (1, "Limits")):  # the newer one comes first
            more = {"revision": revision, "title": title, "status": "active", "position": 0}
            more["required"] = True
            rows.event("item.described", topic, at, more=more, told_s=None, **about)
        _derive(url)
        with psycopg.connect(url) as connection:  # what the monitor's heartbeat has measured
            sent_at = now - timedelta(minutes=2)
            connection.execute("INSERT INTO commit_to_row VALUES (%s, 0.2, 0.5)", [sent_at])
            connection.execute(
                "INSERT INTO feature_skew VALUES (%s, 'a_view', 'a_feature', 8, 7, 0, 0, 2.5)",
                [sent_at],
            )
        yield url


def _teaching(rows: Rows, day: datetime) -> None:
    """What the teachers' and operators' panels ask for, imported, so that nothing else counts it:
    five learners open an item and answer a question, one finishes it; a clock is an hour ahead."""
    item, question, assessment = uuid4(), uuid4(), uuid4()
    imported: dict[str, Any] = {"told_s": None}
    for number in range(5):
        place: dict[str, Any] = {"user_id": uuid4(), "course_id": COURSES[1]}
        studied: dict[str, Any] = {**place, "item_id": item, "kind": "video"}
        topic = "lms.content.events"
        rows.event("content.viewed", topic, day, clicks=1, **studied, **imported)
        if number == 0:
            later = day + timedelta(minutes=5)
            rows.event("content.completed", topic, later, **studied, **imported)
        work = {"submission_id": str(uuid4()), "assessment_id": str(assessment), "attempt": 1}
        right = number % 2 == 0
        answer = {"question_id": str(question), "correct": right, "points": float(right)}
        topic = "lms.assessments.events"
        rows.event(
            "assessment.question.graded",
            topic,
            day + timedelta(minutes=9),
            more={**work, **answer, "max_points": 1.0, "kind": "single"},
            **place,
            **imported,
        )
        score = {"score": 100.0 * right, "kind": "quiz"}
        at = day + timedelta(minutes=10)
        rows.event("assessment.graded", topic, at, more={**work, **score}, **place, **imported)
        offer = {"recommendation_id": str(uuid4()), "position": 1, "source": "personal"}
        tried = {"model": "0" * 64, "arm": "control"}
        rows.event(
            "recommendation.shown",
            "lms.recommendations.events",
            day,
            more={**offer, **tried},
            item_id=item,
            **place,
            **imported,
        )
    rows.event(
        "question.described",
        "lms.courses.events",
        day,
        more={
            **{"question_id": str(question), "title": "What is the mean?", "status": "active"},
            **{"revision": 1, "position": 0, "max_points": 1.0},
        },
        course_id=COURSES[1],
        kind="single",
        **imported,
    )
    at = day + timedelta(days=5)
    who: dict[str, Any] = {"user_id": uuid4()}
    rows.event("user.updated", "lms.users.events", at, delay_s=-3600, **who, **imported)


def _derive(url: str) -> None:
    """The derived tables, by the statements that derive them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LMS_POSTGRES_ANALYTICS_URL", url)
        with closing(Engine()) as engine:
            rebuild.begin(engine)
            engine.refresh_due()


@dataclass
class Process:
    """A process of ours, answering at ``url``."""

    url: str
    popen: subprocess.Popen[bytes]

    def wait_until_live(self, timeout_s: float = 120) -> None:
        until(
            lambda: httpx.get(f"{self.url}/health/live", timeout=1).is_success,
            f"{self.popen.args!r} answers",
            within_s=timeout_s,
            ignoring=httpx.TransportError,
            process=self.popen,
        )


Start = Callable[..., Process]


@contextmanager
def starting() -> Iterator[Start]:
    """Starts ``python -m MODULE`` at an address with settings; all are ended at the end."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(module: str, url: str, **settings: str) -> Process:
        popen = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), **settings},
            stdin=subprocess.DEVNULL,
        )
        running.append(popen)
        process = Process(url, popen)
        process.wait_until_live()
        return process

    yield begin
    for popen in running:
        popen.terminate()
    for popen in running:
        ended = popen.wait(timeout=30)
        assert ended in (0, -signal.SIGTERM), f"{popen.args!r} did not end cleanly: {ended}"


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts processes of ours for one test."""
    with starting() as begin:
        yield begin


@pytest.fixture(scope="session")
def start_for_all() -> Iterator[Start]:
    """Starts processes of ours for the whole session."""
    with starting() as begin:
        yield begin


def link(user_id: str) -> str:
    """What follows the # in a link that signs in; made where no event loop runs already."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(operator.sign_in_link, user_id).result()


@dataclass
class Lms:
    """The real LMS over one analytical database, for the institution of the rows."""

    url: str
    http: httpx.Client
    port: int

    def made(self, path: str, **body: Any) -> dict[str, Any]:
        response = self.http.post(path, json=body)
        assert response.is_success, response.text
        found: dict[str, Any] = response.json()
        return found

    def account(self, name: str, role: str = "student", **profile: Any) -> str:
        email = f"{uuid4().hex}@example.invalid"
        body = {"email": email, "name": name, "role": role, "profile": profile}
        return str(self.made("/users", **body)["id"])

    def course(self, title: str = "Bridges", *items: str) -> tuple[str, str, list[str]]:
        """A published course as the demo's catalogue would bring it: itself, its teacher, items."""
        teacher = self.account("Tess Teacher", "instructor")
        about = {"metadata": {"source": "open-catalogue"}}
        course = str(self.made("/courses", title=title, instructor_id=teacher, **about)["id"])
        made = [
            str(self.made(f"/courses/{course}/items", kind="video", title=item, **about)["id"])
            for item in items or ("The arch",)
        ]
        self.made(f"/courses/{course}/publish")
        return course, teacher, made

    def link(self, user_id: str) -> str:
        """What follows the # in a link that signs somebody in."""
        return link(user_id)

    def audited(self, actor: str) -> list[tuple[str, list[str]]]:
        """What the audit log says that somebody did, and about whom."""
        with connect_lms() as owner:
            rows = owner.execute(
                "SELECT action, about FROM (SELECT * FROM audit_queue UNION ALL SELECT id, at, "
                "actor, action, resource, about, session_id, institution_id FROM audit_log) AS a "
                "WHERE actor = %s ORDER BY at, id",
                [actor],
            ).fetchall()
        return [(action, [str(id_) for id_ in about]) for action, about in rows]


def lms_settings(database: str, port: int) -> dict[str, str]:
    """Of an LMS over this analytical database, and of whoever asks it."""
    analyst = PostgresSettings().analyst_url.rsplit("/", 1)[0] + "/" + database.rsplit("/", 1)[1]
    return {"LMS_POSTGRES_ANALYST_URL": analyst, "LMS_HTTP_LMS_PORT": str(profile().port(port))}


@contextmanager
def lms_over(start: Start, database: str, port: int, **more: str) -> Iterator[Lms]:
    """The LMS on a port of its own, beside one that may be up in the same profile."""
    url = f"http://127.0.0.1:{profile().port(port)}"
    start("core_lms", url, **lms_settings(database, port), **more)
    auth = operator.OperatorAuth(str(INSTITUTION), "test")
    with httpx.Client(base_url=f"{url}/api/v1", timeout=20, auth=auth) as client:
        yield Lms(url, client, profile().port(port))


def sign_in(page: Page, url: str, lms: Lms, user_id: str) -> None:
    """As somebody does with a printed link."""
    page.goto(f"{url}/sign-in#{lms.link(user_id)}")
    page.wait_for_url(lambda now: "/sign-in" not in now)


FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module: while it is open, its thread has an event loop that others would meet."""
    program = shutil.which("chromium")
    assert program, "Chromium is missing: apt-get install chromium"
    expect.set_options(timeout=30_000)  # far more than it takes: the machine may be busy
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails its test on any error of its scripts or refused content."""
    page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="light")
    page.set_default_timeout(30_000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Security" in said.text else None)
    yield page
    page.close()
    assert wrong == []
