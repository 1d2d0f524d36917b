"""Each kind of change of a document: what breaks a client is named, what does not passes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import Rejected
from gateway import promise
from gateway.openapi import rendered
from stack.profile import REPOSITORY
from tests.gateway.processes import WITH_ROUTES, application

Document = dict[str, Any]

FILES = {"core_lms": "lms", "serving": "serving", "dashboards": "dashboards"}

FILM: Document = {
    "type": "object",
    "required": ["id", "status"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "status": {"type": "string", "enum": ["draft", "out"]},
        "minutes": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "sequel": {"$ref": "#/components/schemas/Film"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}
NEW_FILM: Document = {
    "type": "object",
    "required": ["title"],
    "additionalProperties": False,
    "properties": {
        "title": {"type": "string", "maxLength": 100, "minLength": 1},
        "rating": {"type": "string", "enum": ["all", "adults"]},
        "minutes": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "tags": {"type": "array", "maxItems": 5, "items": {"type": "string"}},
    },
}
PROMISED: Document = {
    "paths": {
        "/films": {
            "get": {
                "operationId": "listFilms",
                "security": [],
                "parameters": [
                    {"in": "query", "name": "limit", "schema": {"type": "integer", "maximum": 200}}
                ],
                "responses": {"200": {"content": {"application/json": {"schema": {}}}}},
            },
            "post": {
                "operationId": "createFilm",
                "security": [{"accessToken": []}, {"apiKey": []}],
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/NewFilm"}}
                    }
                },
                "responses": {
                    "201": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Film"}}
                        }
                    },
                    "4XX": {"content": {}},
                },
            },
        }
    },
    "components": {"schemas": {"Film": FILM, "NewFilm": NEW_FILM}},
}


class Changed:
    """A document, by the parts that the changes are about."""

    def __init__(self) -> None:
        self.document = copy.deepcopy(PROMISED)
        self.paths: Document = self.document["paths"]
        self.listing: Document = self.paths["/films"]["get"]
        self.creation: Document = self.paths["/films"]["post"]
        schemas = self.document["components"]["schemas"]
        self.film, self.new = schemas["Film"], schemas["NewFilm"]
        self.answer, self.body = self.film["properties"], self.new["properties"]


Change = Callable[[Changed], Any]

BREAKS: dict[str, tuple[Change, str]] = {
    "a path": (lambda c: c.paths.pop("/films"), "GET /films is gone"),
    "an operation": (lambda c: c.paths["/films"].pop("post"), "POST /films is gone"),
    "a name": (lambda c: c.listing.update(operationId="films"), "is called films"),
    "credentials": (lambda c: c.listing.update(security=[{"apiKey": []}]), "wants credentials"),
    "a credential": (
        lambda c: c.creation.update(security=[{"accessToken": []}]),
        "no longer takes apiKey",
    ),
    "a parameter": (lambda c: c.listing.update(parameters=[]), "the parameter limit"),
    "a new required parameter": (
        lambda c: c.listing["parameters"].append(
            {"in": "query", "name": "year", "required": True, "schema": {"type": "integer"}}
        ),
        "wants the parameter year",
    ),
    "a parameter's bound": (
        lambda c: c.listing["parameters"][0]["schema"].update(maximum=50),
        "lower maximum: 50",
    ),
    "a body": (lambda c: c.creation.pop("requestBody"), "no longer takes a body"),
    "a required body": (lambda c: c.creation["requestBody"].update(required=True), "wants a body"),
    "a media type": (
        lambda c: c.creation["requestBody"].update(content={"text/csv": {}}),
        "is no longer application/json",
    ),
    "a new required field": (lambda c: c.new["required"].append("rating"), "the field rating"),
    "a field of a body": (lambda c: c.body.pop("rating"), "has no field rating any more"),
    "a value that was taken": (lambda c: c.body["rating"]["enum"].remove("all"), "is never all"),
    "a free text": (lambda c: c.body["title"].update(enum=["A"]), "takes nothing but A"),
    "a type that was taken": (lambda c: c.body["title"].update(type="integer"), "is integer"),
    "null that was taken": (lambda c: c.body["minutes"]["anyOf"].pop(), "no longer takes null"),
    "a narrower number": (
        lambda c: c.body["minutes"]["anyOf"][0].update(type="integer"),
        "no longer takes number",
    ),
    "a longer minimum": (lambda c: c.body["title"].update(minLength=3), "higher minLength: 3"),
    "a new pattern": (lambda c: c.body["title"].update(pattern="^A"), "another pattern: ^A"),
    "fewer items": (lambda c: c.body["tags"].update(maxItems=1), "lower maxItems: 1"),
    "a type in a list": (lambda c: c.body["tags"].update(items={"type": "integer"}), "tags[]"),
    "another schema": (
        lambda c: c.creation["requestBody"]["content"]["application/json"].update(
            schema={"type": "string"}
        ),
        "is string, not object",
    ),
    "an answer": (lambda c: c.creation["responses"].pop("201"), "no longer answers 201"),
    "a field of an answer": (lambda c: c.answer.pop("minutes"), "has no field minutes any more"),
    "a field that was always there": (
        lambda c: c.film["required"].remove("status"),
        "may lack the field status",
    ),
    "a value of an answer": (lambda c: c.answer["status"]["enum"].remove("out"), "is never out"),
    "a type of an answer": (lambda c: c.answer["id"].update(type="integer"), "is integer"),
    "a form of an answer": (lambda c: c.answer["id"].pop("format"), "another format: None"),
    "null in an answer": (
        lambda c: c.answer.update(id={"anyOf": [c.answer["id"], {"type": "null"}]}),
        "may now be null",
    ),
}

PASSES: dict[str, Change] = {
    "nothing": lambda c: None,
    "a new path": lambda c: c.paths.update({"/actors": c.paths["/films"]}),
    "a new optional parameter": lambda c: c.listing["parameters"].append(
        {"in": "query", "name": "year", "schema": {"type": "integer"}}
    ),
    "a new optional field of a body": lambda c: c.body.update(year={"type": "integer"}),
    "a field that is no longer required": lambda c: c.new["required"].clear(),
    "a wider bound": lambda c: c.body["title"].update(maxLength=200, minLength=0),
    "a new value that is taken": lambda c: c.body["rating"]["enum"].append("teens"),
    "null that is taken": lambda c: c.body.update(
        title={"anyOf": [c.body["title"], {"type": "null"}]}
    ),
    "a new field of an answer": lambda c: c.answer.update(year={"type": "integer"}),
    "a new value of an answer": lambda c: c.answer["status"]["enum"].append("withdrawn"),
    "an answer that is never null": lambda c: c.answer.update(minutes={"type": "number"}),
    "a whole number in an answer": lambda c: c.answer.update(minutes={"type": "integer"}),
    "no credentials": lambda c: c.creation.update(security=[]),
    "a new status": lambda c: c.listing["responses"].update({"206": {}}),
    "another description": lambda c: c.listing.update(summary="List films"),
}


@pytest.mark.parametrize("kind", BREAKS)
def test_what_breaks_a_client_is_named(kind: str) -> None:
    change, said = BREAKS[kind]
    changed = Changed()
    change(changed)
    found = promise.breaks(PROMISED, changed.document)
    assert found
    assert any(said in one for one in found), found


@pytest.mark.parametrize("kind", PASSES)
def test_what_breaks_nobody_passes(kind: str) -> None:
    changed = Changed()
    PASSES[kind](changed)
    assert promise.breaks(PROMISED, changed.document) == []


@pytest.mark.parametrize("process", WITH_ROUTES)
def test_the_api_keeps_what_it_promised(process: str) -> None:
    """Fails with what to do: the message is that of ``./learnstream generate``."""
    path = promise.FOLDER / f"{FILES[process]}.json"
    promised = json.loads((REPOSITORY / path).read_text(encoding="utf-8"))
    found = promise.breaks(promised, json.loads(rendered(application(process))))
    assert not found, promise.explained(path, found)


def test_a_promised_document_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = WITH_ROUTES["serving"]()
    [(path, text)] = promise.files("serving", app).items()
    promised = json.loads(text)
    promised["paths"]["/api/v1/gone"] = promised["paths"]["/api/v1/search"]
    stored = tmp_path / path
    stored.parent.mkdir(parents=True)
    stored.write_text(json.dumps(promised), encoding="utf-8")
    monkeypatch.setattr(promise, "REPOSITORY", tmp_path)
    with pytest.raises(Rejected, match=r"GET /api/v1/gone is gone.*To break it on purpose"):
        promise.files("serving", app)


def test_a_document_is_rendered_the_same_each_time() -> None:
    first, second = (rendered(WITH_ROUTES["serving"]()) for _ in range(2))
    assert first == second
