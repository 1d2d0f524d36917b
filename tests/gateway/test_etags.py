"""Versions of a resource as ETags: what readers and writers get for the tag they send."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel

from gateway import etags, problems
from gateway.etags import InReader, InWriter


class Title(BaseModel):
    title: str


def application() -> FastAPI:
    app = FastAPI()
    problems.install(app)
    row: dict[str, Any] = {"title": "old", "at": datetime(2026, 2, 17, 14, 30, tzinfo=UTC)}

    @app.get("/thing", response_model=Title, responses=etags.READ)
    async def get(reader: InReader) -> Any:
        return reader.answer(row)

    @app.patch("/thing", response_model=Title, responses=etags.UPDATE)
    async def change(body: Title, writer: InWriter) -> Any:
        writer.check(row)
        row["title"] = body.title
        return writer.answer(row)

    return app


@pytest.fixture
def thing() -> TestClient:
    return TestClient(application(), raise_server_exceptions=False)


def test_a_reader_who_has_the_version_is_told_so_without_a_body(thing: TestClient) -> None:
    first = thing.get("/thing")
    tag = first.headers["etag"]
    assert (tag[0], tag[-1], first.headers["cache-control"]) == ('"', '"', "private, no-cache")
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = thing.get("/thing", headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert thing.get("/thing", headers={"If-None-Match": '"other"'}).json() == {"title": "old"}


def test_an_update_names_the_version_it_has_read(thing: TestClient) -> None:
    tag = thing.get("/thing").headers["etag"]
    assert thing.patch("/thing", json={"title": "new"}).status_code == 428
    answer = thing.patch("/thing", json={"title": "new"}, headers={"If-Match": tag})
    assert answer.json() == {"title": "new"}
    assert answer.headers["etag"] == thing.get("/thing").headers["etag"] != tag


@pytest.mark.parametrize("expected", ['"other"', "weak", '""'])
def test_an_update_of_another_version_changes_nothing(thing: TestClient, expected: str) -> None:
    tag = thing.get("/thing").headers["etag"]
    header = f"W/{tag}" if expected == "weak" else expected
    answer = thing.patch("/thing", json={"title": "lost"}, headers={"If-Match": header})
    assert answer.status_code == 412
    assert answer.headers["content-type"] == "application/problem+json"
    assert thing.get("/thing").json() == {"title": "old"}


def test_of_two_who_read_the_same_version_the_second_is_refused(thing: TestClient) -> None:
    tag = thing.get("/thing").headers["etag"]
    first = thing.patch("/thing", json={"title": "a"}, headers={"If-Match": tag})
    second = thing.patch("/thing", json={"title": "b"}, headers={"If-Match": tag})
    assert (first.status_code, second.status_code) == (200, 412)
    assert thing.get("/thing").json() == {"title": "a"}


@pytest.mark.parametrize("header", ["unquoted", '"a" "b"', '"a', "", '"a",'])
def test_a_header_that_is_no_list_of_tags_is_refused(thing: TestClient, header: str) -> None:
    answer = thing.patch("/thing", json={"title": "x"}, headers={"If-Match": header})
    assert answer.status_code == 400
    assert thing.get("/thing", headers={"If-None-Match": header}).status_code == 400


def test_a_long_header_is_read_in_linear_time(thing: TestClient) -> None:
    header = '"a",' * 499 + '"'
    assert thing.get("/thing", headers={"If-None-Match": header}).status_code == 400


def test_the_same_row_has_the_same_tag_whatever_the_order_of_its_columns() -> None:
    assert etags.tag({"a": 1, "b": None}) == etags.tag({"b": None, "a": 1})
    assert etags.tag({"a": 1, "b": None}) != etags.tag({"a": 1, "b": 0})


def test_both_answers_are_described() -> None:
    paths = application().openapi()["paths"]["/thing"]
    assert "ETag" in paths["get"]["responses"]["304"]["headers"]
    assert "ETag" in paths["get"]["responses"]["200"]["headers"]
    assert "ETag" in paths["patch"]["responses"]["200"]["headers"]
