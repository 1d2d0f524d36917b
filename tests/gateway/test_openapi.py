"""The documents of all HTTP processes: for people who read them and tools that use them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import TypeAdapter, ValidationError

from gateway.openapi import operation_id
from tests.gateway.processes import WITH_ROUTES, application

PROCESS = pytest.mark.parametrize("process", WITH_ROUTES)

VERBS = frozenset(
    re.findall(
        r"\w+",
        """accept act add announce ask begin cancel change choose close comment confirm copy count
        create decline delete download encrypt end enroll erase export find follow forget get give
        grade grant hand have issue leave let list log make mark name no open opt order pretend put
        read recommend record refuse register reissue release remove replace report retry revoke
        save say score send set show sign study submit switch take try upload wait withdraw""",
    )
)
"""What an operation may begin with: it says what it does."""


@cache
def document(process: str) -> dict[str, Any]:
    return application(process).openapi()


def operations(process: str) -> dict[str, dict[str, Any]]:
    """Every operation by method and path."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document(process)["paths"].items()
        for method, operation in methods.items()
    }


@PROCESS
def test_every_operation_has_a_name_of_its_own(process: str) -> None:
    names = [one["operationId"] for one in operations(process).values()]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z]+([A-Z0-9][a-z0-9]*)*", name)] == []
    if process == "core_lms":
        assert "createEnrollment" in names


@PROCESS
def test_every_summary_says_what_the_operation_does(process: str) -> None:
    summaries = {name: one["summary"] for name, one in operations(process).items()}
    for name, text in summaries.items():
        assert text.split()[0].lower() in VERBS, (name, text)
        assert not text.endswith("."), (name, text)
        assert len(text) <= 100, (name, text)
    assert len(set(summaries.values())) == len(summaries)


@PROCESS
def test_no_name_is_one_that_a_machine_made(process: str) -> None:
    for name in document(process)["components"]["schemas"]:
        assert re.fullmatch(r"[A-Z][A-Za-z]*", name), name
    assert '"title": "Response' not in json.dumps(document(process))


@PROCESS
def test_every_body_has_an_example(process: str) -> None:
    for name, one in operations(process).items():
        for content in one.get("requestBody", {}).get("content", {}).values():
            assert (
                "example" in content or "examples" in content or content["schema"].get("examples")
            ), name


def bodies(process: str) -> Iterator[tuple[str, Any, Any]]:
    """Operation, annotation and content of every JSON body that a route reads."""
    for context in iter_route_contexts(application(process).routes):
        route = context.original_route
        if not isinstance(route, APIRoute) or not route.dependant.body_params:
            continue
        for method in route.methods or ():
            name = f"{method} {context.path}"
            content = operations(process)[name]["requestBody"]["content"]["application/json"]
            yield name, route.dependant.body_params[0].field_info.annotation, content


@PROCESS
def test_every_example_is_a_valid_body(process: str) -> None:
    """In one test each: as parameters, every lane would build every process to collect them."""
    wrong = {}
    for name, annotation, content in bodies(process):
        example = content.get("example") or content["schema"].get("examples", [None])[0] or {}
        try:
            TypeAdapter(annotation).validate_json(json.dumps(example))
        except ValidationError as error:
            wrong[name] = str(error)
    assert wrong == {}


@PROCESS
def test_every_operation_says_which_credentials_it_takes(process: str) -> None:
    schemes = document(process)["components"]["securitySchemes"]
    for name, one in operations(process).items():
        assert isinstance(one["security"], list), name
        assert {scheme for need in one["security"] for scheme in need} <= schemes.keys(), name


def test_what_is_open_to_everybody_takes_none() -> None:
    lms = operations("core_lms")
    for name in (
        "GET /health/live",
        "POST /api/v1/sessions",
        "POST /api/v1/registrations",
        "GET /certificates/{code}",
        "GET /.well-known/jwks.json",
    ):
        assert lms[name]["security"] == [], name
    assert {} in lms["GET /api/v1/media/{media_id}/bytes"]["security"], "a signed address will do"
    assert lms["POST /api/v1/courses"]["security"] == [
        {"accessToken": []},
        {"apiKey": []},
        {"serviceKey": []},
    ]
    assert {"sessionCookie": []} in operations("dashboards")["GET /api/v1/learners"]["security"]


@PROCESS
def test_the_document_says_where_the_process_is(process: str) -> None:
    [server] = document(process)["servers"]
    assert server["variables"]["origin"]["default"].startswith("http://127.0.0.1:")


@PROCESS
def test_errors_have_one_shape(process: str) -> None:
    shape = document(process)["components"]["schemas"]["FieldProblem"]["properties"]
    assert set(shape) == {"pointer", "parameter", "header", "detail"}
    for name, one in operations(process).items():
        for status, answer in one["responses"].items():
            if status in ("4XX", "5XX"):
                assert "application/problem+json" in answer["content"], (name, status)


def test_an_operation_is_named_by_its_function() -> None:
    async def create_enrollment() -> None: ...

    assert operation_id(APIRoute("/enrollments", create_enrollment)) == "createEnrollment"
