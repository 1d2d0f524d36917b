"""SQL by name: ``queries.sql`` beside a repository holds its statements under ``-- name:``.

So does ``resources.sql`` beside a ``resource.py``. Where a statement says ``{key}`` or ``{k.key}``,
it means the columns of the row that is loaded as ``key``, each after ``k.`` there::

    -- name: get
    SELECT {key} FROM api_keys WHERE id = %(id)s
"""

from __future__ import annotations

import re
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from pydantic import BaseModel

_heading = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_columns = re.compile(r"\{(?:(\w+)\.)?(\w+)\}")


def columns(row: type[Any], of: str = "") -> str:
    """A list for SELECT and RETURNING: the fields of a dataclass that have no default, or all those
    of a model.

    ``of`` is the table, or its alias, that stands before each.
    """
    if issubclass(row, BaseModel):
        named = list(row.model_fields)
    else:
        named = [field.name for field in fields(row) if _is_column(field)]
    return ", ".join(f"{of}.{name}" if of else name for name in named)


def _is_column(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def load(beside: str, file: str = "queries.sql", **rows: type[Any]) -> dict[str, str]:
    """The statements of ``file`` in the folder of the module file ``beside``.

    ``rows`` are the dataclasses or models whose columns the statements name.
    """

    def listed(match: re.Match[str]) -> str:
        table, name = match.groups()
        return columns(rows[name], table or "") if name in rows else match[0]

    text = (Path(beside).parent / file).read_text(encoding="utf-8")
    _, *parts = _heading.split(_columns.sub(listed, text))
    return dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))
