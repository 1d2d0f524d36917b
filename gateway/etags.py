"""Entity tags: a reader fetches only what has changed, a writer changes only what it has read.

A tag is the hash of the resource's row. Not ``updated_at``: two changes may share a microsecond,
and a clock may step back. Not ``xmin``: it comes again after 2³² transactions, and rows of a cache
have none. The hash is the same in every process, from the primary, a replica or a cache, and a row
that was changed and changed back is the row the writer has read.

A route that reads::

    @router.get("/{course_id}", response_model=Course, responses=etags.READ)
    async def get(course_id: UUID, units: …, reader: InReader) -> Any:
        async with units.begin(…) as unit:     # 304 where the caller has it already
            return reader.answer(await service.get(unit, course_id))

A route that updates (the check is on the locked row, so nobody comes between)::

    @router.patch("/{course_id}", response_model=Course, responses=etags.UPDATE)
    async def change(course_id: UUID, body: …, units: …, writer: InWriter) -> Any:
        async with units.begin(…) as unit:
            return writer.answer(await service.change(unit, course_id, body, writer.check))

Both must see the same columns: tag the resource's own row, before anything is joined to it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Depends, Header, Response
from pydantic import BaseModel

from gateway.errors import ChangedMeanwhile, Malformed, PreconditionMissing

Row = TypeVar("Row")
Check = Callable[[Any], None]
"""What a service calls with the locked row; raises ``ChangedMeanwhile``."""

PRIVATE = "private, no-cache"
"""Kept by the caller's own cache only, and asked for again each time (answered by a 304)."""

_ETAG = {
    "description": "the version of the resource, for If-None-Match and If-Match",
    "schema": {"type": "string", "example": '"9c1f0a52c8b1d3e4f5a60718"'},
}
READ: dict[int | str, dict[str, Any]] = {
    200: {"headers": {"ETag": _ETAG}},
    304: {"description": "Not changed since the tag in If-None-Match", "headers": {"ETag": _ETAG}},
}
"""``responses=`` of a route that takes ``InReader``."""

UPDATE: dict[int | str, dict[str, Any]] = {200: {"headers": {"ETag": _ETAG}}}
"""``responses=`` of a route that takes ``InWriter``; 412 and 428 are problems like every 4xx."""

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_TAGS = re.compile(rf"\s*{_TAG.pattern}\s*(?:,\s*{_TAG.pattern}\s*)*")


def tag(row: Any) -> str:
    """The strong ETag of a resource's row (a mapping, dataclass or model), with its quotes: 96 bits
    of BLAKE2.
    """
    text = orjson.dumps(row, default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return f'"{hashlib.blake2b(text, digest_size=12).hexdigest()}"'


def _plain(value: Any) -> Any:
    return value.__dict__ if isinstance(value, BaseModel) else str(value)


@dataclass(frozen=True, slots=True)
class Reader:
    """A caller who may have the resource already."""

    response: Response
    known: str | None

    def answer(self, row: Row, cache_control: str = PRIVATE) -> Row | Response:
        """The row with its tag, or 304 where ``If-None-Match`` names it."""
        headers = {"ETag": tag(row), "Cache-Control": cache_control}
        if self._has(headers["ETag"]):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        self.response.headers.update(headers)
        return row

    def send(self, own: str, body: bytes, cache_control: str = PRIVATE) -> Response:
        """JSON that is made already, under the tag ``own``, or 304."""
        headers = {"ETag": own, "Cache-Control": cache_control}
        if self._has(own):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(body, headers=headers, media_type="application/json")

    def _has(self, own: str) -> bool:
        return self.known is not None and _named(own, self.known, "If-None-Match", weak=True)


@dataclass(frozen=True, slots=True)
class Writer:
    """A caller who names the version it wants to change."""

    response: Response
    expected: str

    def check(self, row: Any) -> None:
        """Raises ``ChangedMeanwhile`` where the row is not the one the caller has read."""
        if not _named(tag(row), self.expected, "If-Match", weak=False):
            raise ChangedMeanwhile(
                "the resource was changed since it was read: GET it again, look at the "
                "difference, and repeat with its ETag in If-Match"
            )

    def answer(self, row: Row) -> Row:
        """The changed row, with its new tag."""
        self.response.headers.update({"ETag": tag(row), "Cache-Control": PRIVATE})
        return row


def _named(own: str, header: str, name: str, *, weak: bool) -> bool:
    """Whether the list of tags in ``header`` holds ``own``.

    Proxies that compress weaken a tag: enough for reading (RFC 9110, 13.1.2), not for writing.
    """
    if header.strip() == "*":
        return True
    if not _TAGS.fullmatch(header):
        raise Malformed(f'{name} is a list of quoted tags, as in "9c1f0a52c8b1d3e4f5a60718", or *')
    return any(f'"{value}"' == own and (weak or not w) for w, value in _TAG.findall(header))


async def _reader(
    response: Response,
    known: Annotated[
        str | None,
        Header(
            alias="If-None-Match",
            max_length=2000,
            description="the ETag of the version you have: answered with 304 where it is current",
        ),
    ] = None,
) -> Reader:
    return Reader(response, known)


async def _writer(
    response: Response,
    expected: Annotated[
        str | None,
        Header(
            alias="If-Match",
            max_length=2000,
            description="the ETag of the version you have read (428 without); 412 where somebody "
            "has changed it since. `*` changes whatever is there",
        ),
    ] = None,
) -> Writer:
    if expected is None:
        raise PreconditionMissing("name the version you want to change: send its ETag in If-Match")
    return Writer(response, expected)


InReader = Annotated[Reader, Depends(_reader)]
InWriter = Annotated[Writer, Depends(_writer)]
