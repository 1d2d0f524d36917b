"""A valid body for a route: the example of its OpenAPI description, about the world's people."""

from __future__ import annotations

import copy
from typing import Any

from fastapi.openapi.utils import get_openapi
from fastapi.routing import RouteContext


def body_of(route: RouteContext, ids: dict[str, str]) -> dict[str, Any]:
    """Arguments for the client: ``json``, ``content`` with its type, or nothing."""
    if route.body_field is None:
        return {}
    document = get_openapi(title="", version="", routes=[route.original_route])
    operation = next(iter(next(iter(document["paths"].values())).values()))
    content = operation["requestBody"]["content"]
    if "application/json" not in content:
        media = next(iter(content))
        return {"content": b"x", "headers": {"Content-Type": media}}
    media = content["application/json"]
    schemas = document.get("components", {}).get("schemas", {})
    example = _example(media, schemas)
    return {"json": _about(example, ids)}


def _example(described: dict[str, Any], schemas: dict[str, Any]) -> Any:
    if "example" in described:
        return copy.deepcopy(described["example"])
    if described.get("examples"):
        examples = described["examples"]
        first = next(iter(examples.values())) if isinstance(examples, dict) else examples[0]
        return copy.deepcopy(first["value"] if isinstance(examples, dict) else first)
    if "schema" in described:
        return _example(described["schema"], schemas)
    return _smallest(described, schemas)


def _smallest(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """What the schema requires and no more."""
    if "$ref" in schema:
        return _example(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for choice in ("anyOf", "oneOf", "allOf"):
        if schema.get(choice):
            return _smallest(schema[choice][0], schemas)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        required = schema.get("required", [])
        return {name: _example(schema["properties"][name], schemas) for name in required}
    if kind == "array":
        return [_example(schema["items"], schemas)] * int(schema.get("minItems", 0))
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    if kind == "boolean":
        return True
    if schema.get("format") == "uuid":
        return "00000000-0000-7000-8000-000000000000"
    if schema.get("format") == "date-time":
        return "2026-02-17T14:30:00Z"
    return "a" * max(int(schema.get("minLength", 1)), 1)


def _about(value: Any, ids: dict[str, str]) -> Any:
    """The same with the world's ids under the names it knows."""
    if isinstance(value, dict):
        return {
            name: ids[name] if name in ids and isinstance(inner, str) else _about(inner, ids)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_about(inner, ids) for inner in value]
    return value
