"""The promise behind ``/api/v1``: what worked with a document goes on working with the next one.

``docs/generated/openapi`` has the documents that were promised. ``files`` refuses to write over
one what would break a client written for it; ``docs/api.md`` says what may change and what not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from contracts.errors import Rejected
from gateway.openapi import rendered
from stack.profile import REPOSITORY

FOLDER = Path("docs/generated/openapi")

Schema = dict[str, Any]

_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_FORM = ("pattern", "format")


def files(name: str, app: FastAPI) -> dict[Path, str]:
    """A process's document as a generated file, by path relative to the repository.

    Raises ``Rejected`` where it breaks what the stored one promises.
    """
    path, text = FOLDER / f"{name}.json", rendered(app)
    stored = REPOSITORY / path
    if stored.exists():
        found = breaks(json.loads(stored.read_text(encoding="utf-8")), json.loads(text))
        if found:
            raise Rejected(explained(path, found), path=path)
    return {path: text}


def explained(path: Path, found: list[str]) -> str:
    """What is broken, and what to do about it."""
    return (
        f"{path}: this breaks clients of the API: {'; '.join(found)}. Leave what is promised and "
        "add beside it, or serve it under /api/v2. To break it on purpose, delete the file, run "
        "./learnstream generate, and say so in the CHANGELOG (docs/api.md)"
    )


def breaks(promised: Schema, now: Schema) -> list[str]:
    """Sentences about everything that worked as ``promised`` and does not work ``now``."""
    comparison = _Comparison(promised, now)
    for path, methods in promised["paths"].items():
        for method, old in methods.items():
            place, new = f"{method.upper()} {path}", now["paths"].get(path, {}).get(method)
            if new is None:
                comparison.found.append(f"{place} is gone")
            else:
                comparison.operation(place, old, new)
    return list(dict.fromkeys(comparison.found))


class _Comparison:
    """Of two documents; ``asked`` schemas are what clients send, the others what they read."""

    def __init__(self, promised: Schema, now: Schema) -> None:
        self.found: list[str] = []
        self._promised, self._now = promised, now
        self._seen: set[tuple[int, int, bool]] = set()

    def operation(self, place: str, old: Schema, new: Schema) -> None:
        """Name, credentials, parameters, body and successful answers."""
        if new["operationId"] != old["operationId"]:
            self._say(place, f"is called {new['operationId']}, not {old['operationId']}")
        self._credentials(place, old.get("security", []), new.get("security", []))
        self._parameters(place, _parameters(old), _parameters(new))
        self._body(place, old.get("requestBody"), new.get("requestBody"))
        for status, answer in old["responses"].items():
            if status[0] not in "23":
                continue
            there = new["responses"].get(status)
            if there is None:
                self._say(place, f"no longer answers {status}")
            else:
                self._contents(f"{place} answer {status}", answer, there, asked=False)

    def _say(self, place: str, what: str) -> None:
        self.found.append(f"{place} {what}")

    def _credentials(self, place: str, old: list[Schema], new: list[Schema]) -> None:
        if not new or {} in new:
            return
        if not old or {} in old:
            self._say(place, "wants credentials")
        for need in old:
            if need and need not in new:
                self._say(place, f"no longer takes {', '.join(need)}")

    def _parameters(self, place: str, old: Schema, new: Schema) -> None:
        for name, parameter in new.items():
            wanted = parameter.get("required", False)
            if wanted and not old.get(name, {}).get("required", False):
                self._say(place, f"wants the parameter {name}")
        for name, parameter in old.items():
            if name not in new:
                self._say(place, f"no longer takes the parameter {name}")
            else:
                there = f"{place} parameter {name}"
                self.schema(there, parameter["schema"], new[name]["schema"], asked=True)

    def _body(self, place: str, old: Schema | None, new: Schema | None) -> None:
        if new is None:
            if old is not None:
                self._say(place, "no longer takes a body")
            return
        if new.get("required", False) and not (old or {}).get("required", False):
            self._say(place, "wants a body")
        self._contents(f"{place} body", old or {}, new, asked=True)

    def _contents(self, place: str, old: Schema, new: Schema, *, asked: bool) -> None:
        for media, content in old.get("content", {}).items():
            there = new.get("content", {}).get(media)
            if there is None:
                self._say(place, f"is no longer {media}")
            else:
                self.schema(place, content.get("schema", {}), there.get("schema", {}), asked=asked)

    def schema(self, place: str, old: Schema, new: Schema, *, asked: bool) -> None:
        """Asked: whatever ``old`` takes ``new`` takes. Else: who reads ``old`` reads ``new``."""
        old, new = _resolved(old, self._promised), _resolved(new, self._now)
        key = id(old), id(new), asked
        if key in self._seen:
            return
        self._seen.add(key)
        before, after = _alternatives(old, self._promised), _alternatives(new, self._now)
        if len(before) > 1 or len(after) > 1:
            self._alternatives(place, before, after, asked=asked)
            return
        old, new = before[0], after[0]
        if not self._types(place, _types(old), _types(new), asked=asked):
            return
        self._values(place, _values(old), _values(new), asked=asked)
        self._bounds(place, old, new, asked=asked)
        self._fields(place, old, new, asked=asked)
        for inner in ("items", "additionalProperties"):
            if isinstance(old.get(inner), dict) and isinstance(new.get(inner), dict):
                self.schema(f"{place}[]", old[inner], new[inner], asked=asked)

    def _alternatives(
        self, place: str, before: list[Schema], after: list[Schema], *, asked: bool
    ) -> None:
        """Asked: each alternative of before is still taken. Else: there is none that is new."""
        given, known = (before, after) if asked else (after, before)
        for one in given:
            same = [other for other in known if _name(other) == _name(one)]
            same = same or [other for other in known if _is_value(one, other)]
            if not same:
                what = "no longer takes" if asked else "may now be"
                self._say(place, f"{what} {_name(one)}")
            elif len(same) == 1:
                pair = (one, same[0]) if asked else (same[0], one)
                self.schema(place, *pair, asked=asked)

    def _types(self, place: str, old: set[str], new: set[str], *, asked: bool) -> bool:
        """Whether they may be compared further."""
        given, known = (old, new) if asked else (new, old)
        if known and not (given and given <= known | _within(known)):
            was, is_ = (", ".join(sorted(types)) or "anything" for types in (old, new))
            self._say(place, f"is {is_}, not {was}")
            return False
        return True

    def _values(
        self, place: str, old: list[Any] | None, new: list[Any] | None, *, asked: bool
    ) -> None:
        if old is None and new is not None and asked:
            self._say(place, f"takes nothing but {', '.join(map(str, new))}")
        gone = [value for value in old or () if new is not None and value not in new]
        if gone:
            self._say(place, f"is never {', '.join(map(str, gone))} any more")

    def _bounds(self, place: str, old: Schema, new: Schema, *, asked: bool) -> None:
        for name in _FORM:
            if new.get(name) != old.get(name) and (name in new if asked else name == "format"):
                self._say(place, f"has another {name}: {new.get(name)}")
        if not asked:
            return
        for name in _MOST:
            if name in new and new[name] < old.get(name, float("inf")):
                self._say(place, f"has a lower {name}: {new[name]}")
        for name in _LEAST:
            if name in new and new[name] > old.get(name, float("-inf")):
                self._say(place, f"has a higher {name}: {new[name]}")

    def _fields(self, place: str, old: Schema, new: Schema, *, asked: bool) -> None:
        before, after = old.get("properties", {}), new.get("properties", {})
        required, wanted = set(old.get("required", ())), set(new.get("required", ()))
        closed = new.get("additionalProperties") is False
        if asked and closed and old.get("additionalProperties") is not False:
            self._say(place, "takes no other fields any more")
        if asked:
            for name in sorted(wanted - required):
                self._say(place, f"wants the field {name}")
        for name, field in before.items():
            if name in after:
                self.schema(f"{place} {name}", field, after[name], asked=asked)
                if not asked and name in required and name not in wanted:
                    self._say(place, f"may lack the field {name}")
            elif not asked or closed:
                self._say(place, f"has no field {name} any more")


def _parameters(operation: Schema) -> Schema:
    """Parameters by name and place."""
    found = operation.get("parameters", ())
    return {f"{one['name']} ({one['in']})": one for one in found}


def _resolved(schema: Schema, document: Schema) -> Schema:
    while True:
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        elif len(schema.get("allOf", ())) == 1:
            schema = schema["allOf"][0]
        else:
            return schema


def _alternatives(schema: Schema, document: Schema) -> list[Schema]:
    """The members of a union, and of unions in it; a schema that is none is alone."""

    def members(one: Schema) -> Iterator[Schema]:
        one = _resolved(one, document)
        inner = one.get("anyOf") or one.get("oneOf")
        if inner:
            for member in inner:
                yield from members(member)
        else:
            yield one

    return list(members(schema))


def _name(schema: Schema) -> str:
    """What distinguishes an alternative: its constants, else its type and its form."""
    fields = schema.get("properties", {})
    constants = [f"{name}={one['const']}" for name, one in fields.items() if "const" in one]
    if constants:
        return ", ".join(constants)
    if "properties" in schema:
        return f"an object with {', '.join(sorted(schema.get('required') or fields))}"
    return " ".join(filter(None, [", ".join(sorted(_types(schema))), schema.get("format")])) or "?"


def _types(schema: Schema) -> set[str]:
    found = schema.get("type", ())
    return {found} if isinstance(found, str) else set(found)


def _is_value(one: Schema, other: Schema) -> bool:
    """Whether both are plain values, ``one`` of a type that ``other`` has."""
    types = _types(one)
    plain = bool(types) and not types & {"object", "array"}
    return plain and types <= _types(other) | _within(_types(other))


def _within(known: set[str]) -> set[str]:
    """A whole number is a number."""
    return {"integer"} if "number" in known else set()


def _values(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return schema.get("enum")
