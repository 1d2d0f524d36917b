"""What a request is about: its ids, and one query that finds what the caller is to it."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any, ClassVar

from gateway.caller import Caller
from stack.queries import load


@dataclass(frozen=True)
class Resource:
    """Subclass per kind of resource, in its context's ``resource.py``; fields are ids.

    With ``beside=__file__`` its query is the one of its name (``api_key`` of an ``ApiKey``) in the
    ``resources.sql`` there. It gets the fields, ``caller_id`` and ``institution_id`` and returns
    one row, or none where there is no such thing in the institution. The row's ``relations`` name
    what the caller is to it (``instructor``, ``learner``, ``self``…); its other columns are
    attributes for the policies with few values (a status, a flag), never ids: decisions are
    remembered by them.

    No ``slots`` here: a dataclass makes such a class twice, the second time without its ``beside``.
    """

    KIND: ClassVar[str]
    SQL: ClassVar[str | None] = None

    def __init_subclass__(cls, *, beside: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.KIND = cls.__name__
        cls.SQL = beside and load(beside, "resources.sql")[cls._named("_")]

    @classmethod
    def _named(cls, between: str) -> str:
        return re.sub(r"(?<!^)(?=[A-Z])", between, cls.KIND).lower()

    def params(self, caller: Caller) -> dict[str, Any]:
        """The values of ``sql``: the fields, and who asks."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return values | {"caller_id": caller.user_id, "institution_id": caller.institution_id}

    def __str__(self) -> str:
        first = dataclasses.fields(self)[:1]
        return " ".join([self._named(" "), *(str(getattr(self, field.name)) for field in first)])


@dataclass(frozen=True)
class Institution(Resource):
    """The tenant itself: what lists and creations without a parent are about."""


@dataclass(frozen=True)
class Public(Resource):
    """Nothing of any tenant: the keys' public halves, a login that is not yet one."""
