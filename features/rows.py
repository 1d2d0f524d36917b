"""Strict reading of ``lms.features``: a message becomes a row of a known view, or is refused."""

from __future__ import annotations

import pydantic_core

from contracts.envelope import MAX_BYTES
from contracts.errors import Rejected
from contracts.features import FeatureRow
from features.catalogue import VIEWS


def decode(message: bytes | None) -> FeatureRow:
    """Read one message.

    Raises ``Rejected`` with the facts ``reason`` (``empty``, ``too_large``, ``not_json``,
    ``unknown_view``, ``invalid``) and ``detail``.
    """
    if not message:
        raise _rejected("empty", "the message has no value")
    if len(message) > MAX_BYTES:
        raise _rejected("too_large", f"{len(message)} bytes; the limit is {MAX_BYTES}")
    try:
        row = FeatureRow.model_validate_json(message)
    except pydantic_core.ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        detail = f"{where}: {first['msg']}" if where else first["msg"]
        raise _rejected(
            "not_json" if first["type"] == "json_invalid" else "invalid", detail
        ) from None
    view = VIEWS.get(row.feature_view)
    if view is None:
        raise _rejected("unknown_view", f"no feature view is called {row.feature_view!r}")
    if problem := view.problem_with(row.features):
        raise _rejected("invalid", f"features.{problem}")
    return row


def _rejected(reason: str, detail: str) -> Rejected:
    return Rejected(f"{reason}: {detail}", reason=reason, detail=detail)
