"""Text and JSON as request bodies may carry them: what Postgres and every reader can keep."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MAX_DEPTH = 16


def _storable(value: str) -> str:
    if "\0" in value:
        raise ValueError("contains a NUL character")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("contains half of a surrogate pair") from None
    return value


def _storable_object(value: dict[str, Any]) -> dict[str, Any]:
    _check_nested(value, 1)
    return value


def _check_nested(value: object, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(f"is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        _storable(value)
    elif isinstance(value, dict):
        for key, member in value.items():
            _storable(key)
            _check_nested(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            _check_nested(member, depth + 1)
    elif isinstance(value, float):
        json.dumps(value, allow_nan=False)


def at_most(max_bytes: int) -> AfterValidator:
    """A bound for a JSON object: its size as compact JSON in UTF-8."""

    def check(value: dict[str, Any]) -> dict[str, Any]:
        size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
        if size > max_bytes:
            raise ValueError(f"has {size} bytes as JSON; the limit is {max_bytes}")
        return value

    return AfterValidator(check)


def example(**values: Any) -> ConfigDict:
    """The configuration of a body's model that shows this one in the API's description."""
    return ConfigDict(json_schema_extra={"example": values})


Text = Annotated[str, AfterValidator(_storable)]
Line = Annotated[Text, Field(min_length=1, max_length=255, pattern=r"\S")]
Title = Annotated[Text, Field(min_length=1, max_length=500, pattern=r"\S")]
LongText = Annotated[Text, Field(max_length=20_000)]
JsonObject = Annotated[dict[str, Any], AfterValidator(_storable_object)]


class Body(BaseModel):
    """A request body: types as written, no field we do not know."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
