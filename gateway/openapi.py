"""What the OpenAPI document says beyond what FastAPI derives from the routes.

Errors are problem documents, bodies have examples, operations are named by their functions
(``create_enrollment`` → ``createEnrollment``), their summaries are the first sentence of their
docstrings, and each says which credentials it takes: none, where the policies let everybody in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from gateway.actions import Action
from gateway.decision import open_actions
from gateway.problems import MEDIA_TYPE

Document = dict[str, Any]
Schemes = Mapping[str, Document]
"""Security schemes of a process by name, as the document has them."""

ACCESS_TOKEN: Schemes = {
    "accessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "`Authorization: Bearer …` with the `access_token` of a login, or that "
        "`./learnstream token` prints",
    }
}
API_KEYS: Schemes = {
    "apiKey": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "lsk_…",
        "description": "`Authorization: Bearer lsk_…`: a machine's key (`POST /api/v1/api-keys`)",
    },
    "serviceKey": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "lsk_…",
        "description": "The key of one of our own services (`./learnstream service-keys`), which "
        "may name for whom it asks in `X-On-Behalf-Of: user/<id>`",
    },
}

_PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}


def operation_id(route: APIRoute) -> str:
    """``createEnrollment`` for the function ``create_enrollment``."""
    first, *others = route.endpoint.__name__.split("_")
    return first + "".join(word.capitalize() for word in others)


def servers(port: int) -> list[Document]:
    """Where a process is reached: by default where the local stack has it."""
    origin = {"default": f"http://127.0.0.1:{port}", "description": "where the process is reached"}
    return [{"url": "{origin}", "variables": {"origin": origin}}]


def install(app: FastAPI, schemes: Schemes) -> None:
    """Have ``/openapi.json`` of ``app`` say all that this module knows."""
    derived = app.openapi

    def openapi() -> Document:
        if not app.openapi_schema:
            document = derived()
            described(document)
            _secured(document, schemes, dict(_actions(app)))
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]


def rendered(app: FastAPI) -> str:
    """The document as a file: sorted, one line a value, so that a change is seen in review."""
    return json.dumps(app.openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def described(document: Document) -> None:
    """Mend a document in place."""
    schemas = document.get("components", {}).get("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for operation in _operations(document):
        operation["summary"] = _summary(operation)
        _errors(operation["responses"])
        _repeated(operation)
        for content in operation.get("requestBody", {}).get("content", {}).values():
            _exemplified(content, schemas)
    _tidied(document.get("components", {}))
    _tidied(document["paths"])
    for name in [name for name in schemas if _is_page(name)]:
        schemas[_name(name)] = schemas.pop(name)
    _renamed(document)


def _operations(document: Document) -> Iterator[Document]:
    for methods in document["paths"].values():
        yield from methods.values()


def _summary(operation: Document) -> str:
    """The route's own summary, else the first sentence of its docstring, without the details that
    follow a semicolon. FastAPI's would be the name of the function."""
    said: str = operation["summary"]
    if said.replace(" ", "").lower() != operation["operationId"].lower():
        return said
    text = " ".join(operation.get("description", said).split())
    return re.split(r"; |\. |\.$", text, maxsplit=1)[0]


def _errors(answers: Document) -> None:
    """Errors are problem documents; FastAPI takes them for ordinary JSON, and promises a 422."""
    if "4XX" in answers and "HTTPValidationError" in str(answers.get("422")):
        del answers["422"]
    for status, answer in answers.items():
        if status[0] not in "45":
            continue
        content = answer.setdefault("content", {})
        if "Problem" in str(content.get("application/json")):
            content[MEDIA_TYPE] = content.pop("application/json")
        elif status.endswith("XX"):
            content.setdefault(MEDIA_TYPE, _PROBLEM)


def _repeated(operation: Document) -> None:
    """What was made before under the same Idempotency-Key is answered with 200, not 201."""
    keyed = any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", ()))
    answers = operation["responses"]
    if keyed and "201" in answers and "200" not in answers:
        made = answers["201"]
        answers["200"] = made | {"description": "Made before under the same Idempotency-Key"}


def _exemplified(content: Document, schemas: Document) -> None:
    """The example of a body's class stands at the body, where tools look for it."""
    if "example" in content or "examples" in content:
        return
    found = _example(content.get("schema", {}), schemas)
    if found is not None:
        content["example"] = found


def _example(schema: Document, schemas: Document) -> Any:
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "example" in schema:
        return schema["example"]
    if schema.get("examples"):
        return schema["examples"][0]
    for alternative in schema.get("anyOf", ()):
        found = _example(alternative, schemas)
        if found is not None:
            return found
    return None


def _tidied(found: Any) -> None:
    """Without the titles that pydantic and FastAPI make of names, which say nothing more; and in
    Markdown, of which docstrings are almost."""
    if isinstance(found, dict):
        if isinstance(found.get("description"), str):
            found["description"] = found["description"].replace("``", "`")
        if isinstance(found.get("title"), str):
            del found["title"]
        for name, inner in found.items():
            if name not in ("example", "examples"):
                _tidied(inner)
    elif isinstance(found, list):
        for inner in found:
            _tidied(inner)


_is_page = re.compile(r"Page_(\w+)_").fullmatch


def _name(schema: str) -> str:
    """``EnrollmentPage`` for ``Page_Enrollment_``, as pydantic calls a page of ``Enrollment``."""
    page = _is_page(schema)
    return f"{page[1]}Page" if page else schema


def _renamed(found: Any) -> None:
    """Have references follow ``_name``."""
    if isinstance(found, dict):
        if isinstance(found.get("$ref"), str):
            folder, _, name = found["$ref"].rpartition("/")
            found["$ref"] = f"{folder}/{_name(name)}"
        for inner in found.values():
            _renamed(inner)
    elif isinstance(found, list):
        for inner in found:
            _renamed(inner)


def _actions(app: FastAPI) -> Iterator[tuple[tuple[str, str], str]]:
    """The action of each documented operation that has one, by path and method."""
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute) and route.dependant is not None:
            for dependency in route.dependant.dependencies:
                if isinstance(dependency.call, Action):
                    for method in route.methods or ():
                        yield (str(route.path), method.lower()), dependency.call.action


def _secured(document: Document, schemes: Schemes, actions: Mapping[Any, str]) -> None:
    """Say which credentials each operation takes, by what the policies let anybody do."""
    if schemes:
        document.setdefault("components", {})["securitySchemes"] = dict(schemes)
    needed: list[Document] = [{name: []} for name in schemes]
    opened = open_actions()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            action = actions.get((path, method))
            if action is None or opened.get(action) == "to all":
                operation["security"] = []
            elif action in opened:
                operation["security"] = [{}, *needed]
            else:
                operation["security"] = needed
