"""The real LMS application on the real Postgres, one institution per test."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest
from fastapi.testclient import TestClient

from contracts.ids import new_id
from core_lms.access import operator
from core_lms.app import create_app
from core_lms.migrate import migrate
from gateway.tokens import issue
from stack.postgres import PostgresSettings, connect_lms
from stack.profile import Profile


@pytest.fixture(scope="session")
def http(stack: Profile) -> Iterator[TestClient]:
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def database(stack: Profile) -> Iterator[psycopg.Connection[Any]]:
    with connect_lms(autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def template(stack: Profile) -> str:
    """A migrated LMS database without rows, to be copied: migrating takes longer than a test."""
    server, name = PostgresSettings().lms_url, f"template_{new_id().replace('-', '')}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        migrate(psycopg.conninfo.make_conninfo(server, dbname=name))
        # The server's own workers look into databases as well, and one in use cannot be copied.
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    return name


def copied(template: str, name: str) -> str:
    """The address of a new database NAME like ``template``, and to Kafka an outbox of its own."""
    server = PostgresSettings().lms_url
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    url = psycopg.conninfo.make_conninfo(server, dbname=name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE outbox_relay SET outbox_id = gen_random_uuid()")
    return url


@dataclass
class Lms:
    """A client of one institution that can also look into its outbox; it may do everything."""

    http: httpx.Client | TestClient
    database: psycopg.Connection[Any]
    institution_id: str
    token: str | None = None

    def elsewhere(self) -> Lms:
        """Another institution on the same server."""
        return Lms(self.http, self.database, new_id())

    def person(self, user_id: str, *roles: str) -> Lms:
        """The same institution as one person sees it; roles are like ``student@institution``."""
        token = issue(
            operator.ring(),
            self.institution_id,
            user_id=user_id,
            roles=roles or ("student@institution",),
            authenticated_at=time.time(),
        )
        return Lms(self.http, self.database, self.institution_id, token)

    def call(self, method: str, path: str, *, key: str | None = None, **kwargs: Any) -> Any:
        if self.token is None:
            self.token = operator.token(self.institution_id, "test")
        headers = {"Authorization": f"Bearer {self.token}", **kwargs.pop("headers", {})}
        if key is not None:
            headers["Idempotency-Key"] = key
        return self.http.request(method, f"/api/v1{path}", headers=headers, **kwargs)

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        return self.call("POST", path, key=key, json=body)

    def get(self, path: str, **params: Any) -> Any:
        return self.call("GET", path, params=params)

    def made(self, path: str, body: Any, *, key: str | None = None) -> dict[str, Any]:
        """The resource a POST made."""
        response = self.post(path, body, key=key)
        assert response.status_code == 201, response.text
        made: dict[str, Any] = response.json()
        return made

    def events(self) -> list[dict[str, Any]]:
        """Envelopes of this institution that wait in the outbox, in order."""
        rows = self.database.execute(
            "SELECT message::jsonb FROM outbox "
            "WHERE message::jsonb ->> 'institution_id' = %s ORDER BY id",
            [self.institution_id],
        )
        return [row[0] for row in rows]

    def types(self) -> list[str]:
        return [event["event_type"] for event in self.events()]

    def user(self, role: str = "student") -> str:
        body = {"email": f"{new_id()}@example.org", "name": "Sam Doe", "role": role}
        return str(self.made("/users", body)["id"])

    def course(self, *, published: bool = True) -> str:
        body = {"title": "Statistics", "instructor_id": self.user("instructor")}
        course_id = str(self.made("/courses", body)["id"])
        if published:
            self.item(course_id, "page", title="Welcome", required=False)
            assert self.post(f"/courses/{course_id}/publish").status_code == 200
        return course_id

    def item(self, course_id: str, kind: str = "video", **more: Any) -> str:
        body = {"kind": kind, "title": "Histograms", **more}
        return str(self.made(f"/courses/{course_id}/items", body)["id"])

    def assessment(self, course_id: str, **more: Any) -> str:
        body = {"kind": "quiz", "title": "Reading histograms", **more}
        return str(self.made(f"/courses/{course_id}/assessments", body)["id"])

    def enrollment(self, course_id: str, user_id: str) -> str:
        body = {"user_id": user_id}
        return str(self.made(f"/courses/{course_id}/enrollments", body)["id"])


@pytest.fixture(scope="module")
def module_lms(http: TestClient) -> Iterator[Lms]:
    """One institution for all tests of a module."""
    with connect_lms(autocommit=True) as connection:
        yield Lms(http, connection, new_id())


@pytest.fixture
def lms(http: TestClient, database: psycopg.Connection[Any]) -> Lms:
    # A test before this one may have killed the server: then the pools find out here.
    for _ in range(3):
        if http.get("/health/ready").status_code == 200:
            break
    return Lms(http, database, new_id())
