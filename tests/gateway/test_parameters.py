"""Unknown query parameters are refused, and every refusal of a field has the same shape."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Header, Query, Request
from fastapi.testclient import TestClient
from pydantic import BaseModel, Field

from contracts.errors import Misconfigured, Rejected
from core_lms.app import create_app
from dashboards.web.app import create_app as create_dashboards
from gateway import problems
from gateway.parameters import only_known
from gateway.text import Body
from stack.postgres import PostgresSettings


class Track(Body):
    """Like an inner object of a body."""

    language: Annotated[str, Field(pattern="^[a-z]{2}$")]


class Film(Body):
    """Like a body."""

    title: str
    tracks: Annotated[list[Track | None], Field(default_factory=list)]
    extra: Annotated[dict[str, Any] | int, Field()] = 0


class Answer(BaseModel):
    """What is answered."""

    ok: bool = True


@pytest.fixture(scope="module")
def client() -> TestClient:
    async def checked(request: Request) -> None:
        only_known(request.scope)

    app = FastAPI(dependencies=[Depends(checked)])
    problems.install(app)

    @app.get("/api/v1/films")
    async def list_films(
        status: str | None = None,
        page_size: Annotated[int, Query(alias="limit", ge=1)] = 1,
        number: Annotated[int | None, Header(alias="X-Number")] = None,
    ) -> Answer:
        return Answer()

    @app.post("/api/v1/films/{number}")
    async def create_film(number: int, body: Film) -> Answer:
        return Answer()

    @app.get("/film")
    async def show_film() -> Answer:
        return Answer()

    @app.get("/api/v1/ours")
    async def fail() -> Answer:
        raise Misconfigured("/etc/learnstream/secrets/key: not readable")

    @app.get("/api/v1/theirs")
    async def refuse() -> Answer:
        raise Rejected("metadata.url: no address", pointer="#/metadata/url")

    return TestClient(app, raise_server_exceptions=False)


def refused(answer: Any) -> list[dict[str, str]]:
    """The field errors of a refusal."""
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    errors: list[dict[str, str]] = answer.json()["errors"]
    return errors


@pytest.mark.parametrize("query", ["", "?status=open", "?limit=3&status=a&status=b", "?status="])
def test_known_parameters_pass(client: TestClient, query: str) -> None:
    assert client.get(f"/api/v1/films{query}").status_code == 200


def test_an_unknown_parameter_is_refused_with_what_was_meant(client: TestClient) -> None:
    [error] = refused(client.get("/api/v1/films?statsu=open"))
    assert error == {
        "parameter": "statsu",
        "detail": "there is no such parameter; did you mean status?",
    }


def test_a_parameter_is_known_by_its_name_in_the_address(client: TestClient) -> None:
    [error] = refused(client.get("/api/v1/films?page_size=3"))
    assert error["parameter"] == "page_size"
    assert error["detail"].endswith("it has limit, status")


def test_many_unknown_parameters_are_one_short_answer(client: TestClient) -> None:
    query = "&".join(f"{'x' * 300}{n}=1" for n in range(60))
    answer = client.get(f"/api/v1/films?{query}")
    assert len(refused(answer)) == 10
    assert len(answer.content) < 3000


def test_a_body_is_posted_without_parameters(client: TestClient) -> None:
    [error] = refused(client.post("/api/v1/films/1?dry_run=true", json={"title": "A"}))
    assert error == {"parameter": "dry_run", "detail": "there is no such parameter; it has none"}


def test_a_page_that_people_open_takes_what_others_add_to_its_link(client: TestClient) -> None:
    assert client.get("/film?utm_source=mail").status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/title"),
        ([], "#"),
        ({"title": 7}, "#/title"),
        ({"title": "A", "studio": 1}, "#/studio"),
        ({"title": "A", "a/b~c": 1}, "#/a~1b~0c"),
        ({"title": "A", "tracks": [{"language": "de"}, {"language": "German"}]}, "#/tracks/1"),
        ({"title": "A", "extra": "text"}, "#/extra"),
    ],
)
def test_what_is_wrong_in_a_body_is_pointed_to(client: TestClient, body: Any, pointer: str) -> None:
    for error in refused(client.post("/api/v1/films/1", json=body)):
        assert error["pointer"].startswith(pointer)
        assert set(error) == {"pointer", "detail"}
        assert "Track" not in error["pointer"]
        assert "dict[" not in error["pointer"]


def test_what_is_wrong_elsewhere_is_named(client: TestClient) -> None:
    assert refused(client.post("/api/v1/films/x", json={"title": "A"}))[0]["parameter"] == "number"
    assert refused(client.get("/api/v1/films?limit=0"))[0]["parameter"] == "limit"
    headers = {"X-Number": "many"}
    assert refused(client.get("/api/v1/films", headers=headers))[0]["header"] == "X-Number"


def test_a_rule_of_the_domain_points_into_the_body_as_well(client: TestClient) -> None:
    assert refused(client.get("/api/v1/theirs")) == [
        {"pointer": "#/metadata/url", "detail": "metadata.url: no address"}
    ]


def test_an_error_on_our_side_names_no_file(client: TestClient) -> None:
    answer = client.get("/api/v1/ours")
    assert answer.status_code == 500
    assert "/etc" not in answer.text


def test_the_lms_and_the_pages_refuse_them() -> None:
    nowhere = PostgresSettings(app_url="postgresql://lms@127.0.0.1:9/lms")
    app = create_app(nowhere)
    with TestClient(app, raise_server_exceptions=False) as lms:
        for path in ("/api/v1/courses?sttus=draft", "/api/v1/users?rol=admin"):
            assert "did you mean" in refused(lms.get(path))[0]["detail"]
        for path, methods in app.openapi()["paths"].items():
            for method in methods if path.startswith("/api/") else ():
                answer = lms.request(method, f"{path}?no_such=1")
                assert refused(answer)[0]["parameter"] == "no_such", (method, path)
    with TestClient(create_dashboards(), raise_server_exceptions=False) as pages:
        assert pages.get("/sign-in?next=/learners&code=a&state=b").status_code != 422
        [error] = refused(pages.get("/api/v1/session/providers?institution=x"))
        assert error["parameter"] == "institution"
