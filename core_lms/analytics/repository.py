"""The analytical database as a caller may see it; the filter is in its views, not here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import errors
from psycopg_pool import AsyncConnectionPool

from contracts.errors import Retryable
from core_lms.unit import Unit
from gateway.errors import Forbidden
from stack.queries import load

_sql = load(__file__)

SCHEMAS = {
    "installation": "analytics",
    "institution": "seen_institution",
    "courses": "seen_courses",
    "self": "seen_learner",
}
"""Schema by scope (pipelines/readers.sql): the first has every row."""
_ROLES = {**SCHEMAS, "installation": "seen_installation"}


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows of a panel; one more than asked for where there are more."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]

    def dicts(self) -> Iterator[dict[str, Any]]:
        """The rows by name of column."""
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows of the analytical database a question finds."""

    scope: str
    institution_id: str
    course_ids: tuple[str, ...] = ()
    """Of the scope ``courses``."""
    user_id: str = ""
    """Of the scope ``self``: whose."""


async def taught(unit: Unit) -> list[str]:
    """The courses that the caller teaches."""
    ids = await unit.values(_sql["taught"], caller_id=unit.caller.user_id)
    return [str(id_) for id_ in ids]


async def ask(
    pool: AsyncConnectionPool[Any],
    sql: str,
    seen: Rows,
    timeout_s: float,
    most_rows: int,
    params: Mapping[str, Any] | None = None,
) -> Answer:
    """Run a panel's SQL over the rows that are ``seen``, read-only, within the timeout.

    Raises ``Forbidden`` where the panel reads what cannot be narrowed to such rows, ``Retryable``
    where it takes too long.
    """
    schema = SCHEMAS[seen.scope]
    values = {
        "role": f"learnstream_{_ROLES[seen.scope]}",
        "schema": schema,
        "timeout_ms": int(timeout_s * 1000),
        "institution_id": seen.institution_id,
        "course_ids": list(seen.course_ids),
        "user_id": seen.user_id,
    }
    async with pool.connection() as connection:
        await connection.set_read_only(True)
        try:
            async with connection.transaction(force_rollback=True), connection.cursor() as cursor:
                await cursor.execute(_sql["scope"], values)
                await cursor.execute(sql.encode(), params, prepare=False)
                rows = await cursor.fetchmany(most_rows + 1)
                columns = tuple(column.name for column in cursor.description or ())
        except (errors.InsufficientPrivilege, errors.UndefinedTable) as error:
            raise Forbidden(
                f"this panel cannot be narrowed to the scope {seen.scope!r}: ask for another scope"
            ) from error
        except errors.QueryCanceled as error:
            raise Retryable(f"the panel took longer than {timeout_s:g} s") from error
    return Answer(columns, rows)


def plain(value: Any) -> Any:
    """As JSON can say it: numerics as numbers, everything unknown as its text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, dict):
        return json.loads(json.dumps(value, default=str))
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return _number(value)


def _number(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)
