"""What the OpenAPI document says beyond what FastAPI derives from the routes."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from gateway.problems import MEDIA_TYPE

_PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}


def install(app: FastAPI) -> None:
    """Have ``/openapi.json`` of ``app`` tell the truth about errors and repeated requests."""
    derived = app.openapi

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            described(derived())
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]


def described(schema: dict[str, Any]) -> None:
    """Mend a document in place."""
    for methods in schema["paths"].values():
        for route in methods.values():
            _errors(route["responses"])
            _repeated(route)
    for name in ("HTTPValidationError", "ValidationError"):
        schema.get("components", {}).get("schemas", {}).pop(name, None)


def _errors(answers: dict[str, Any]) -> None:
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


def _repeated(route: dict[str, Any]) -> None:
    """What was made before under the same Idempotency-Key is answered with 200, not 201."""
    keyed = any(one["name"] == "Idempotency-Key" for one in route.get("parameters", ()))
    answers = route["responses"]
    if keyed and "201" in answers and "200" not in answers:
        made = answers["201"]
        answers["200"] = made | {"description": "Made before under the same Idempotency-Key"}
