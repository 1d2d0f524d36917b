"""Files of courses: announcing, uploading, addresses that expire, ranges of bytes."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from contracts.event import UUID_PATTERN
from core_lms.content import media, media_types, resource
from core_lms.content.links import Link
from core_lms.content.ranges import requested
from core_lms.content.schemas import Media, MediaLink, NewMedia
from core_lms.content.settings import ContentSettings
from core_lms.content.storage import storage
from core_lms.courses.resource import Course
from core_lms.units import Units, action
from gateway.caller import anonymous
from gateway.errors import Conflict, Forbidden, Malformed
from gateway.pages import InWindow, Page
from gateway.problems import RESPONSES

router = APIRouter(tags=["media"], responses=RESPONSES)

_BYTES = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
_UPLOADED = {"*/*": {**_BYTES["*/*"], "example": "the bytes of the file"}}
_FETCHED: dict[int | str, dict[str, Any]] = {
    200: {"description": "The whole file", "content": _BYTES},
    206: {"description": "The range that was asked for", "content": _BYTES},
    304: {"description": "Not changed since the tag in If-None-Match"},
}


@router.post("/courses/{course_id}/media", status_code=HTTPStatus.CREATED)
async def create_media(
    course_id: UUID, body: NewMedia, units: Annotated[Units, action("media.create", keyed=True)]
) -> Media:
    """Announce a file of a course; then PUT its bytes to `/media/{id}/bytes`."""
    async with units.begin(Course(course_id)) as unit:
        return await media.announce(unit, course_id, body)


@router.get("/courses/{course_id}/media", response_model=Page[Media])
async def list_course_media(
    course_id: UUID, units: Annotated[Units, action("media.list")], window: InWindow
) -> dict[str, Any]:
    """List the files of a course, oldest first."""
    async with units.begin(Course(course_id)) as unit:
        return await media.page(unit, course_id, window)


@router.get("/media/{media_id}")
async def get_media(media_id: UUID, units: Annotated[Units, action("media.read")]) -> Media:
    """Read what is known of a file."""
    async with units.begin(resource.Media(media_id)) as unit:
        return await media.get(unit, media_id)


@router.put(
    "/media/{media_id}/bytes",
    openapi_extra={"requestBody": {"required": True, "content": _UPLOADED}},
)
async def upload_media(
    media_id: UUID,
    request: Request,
    units: Annotated[Units, action("media.upload")],
    digest: Annotated[
        str | None,
        Header(
            alias="Content-Digest",
            max_length=1000,
            description="`sha-256=:…:` (RFC 9530); other bytes are refused",
        ),
    ] = None,
    length: Annotated[int | None, Header(alias="Content-Length", ge=0)] = None,
) -> Media:
    """Send the bytes of an announced file; they are kept whole or not at all.

    Emits `course.updated`. Sending the same bytes again, named by Content-Digest, is harmless.
    """
    async with units.begin(resource.Media(media_id)) as unit:
        row = await media.to_fill(unit, media_id)
    expected = media.expected_sha256(digest)
    if row.status == "ready":
        if expected is not None and expected == row.sha256:
            return row
        raise Conflict(f"file {media_id} has its bytes already: announce a new one")
    limit = ContentSettings().max_bytes
    if length is not None and length > limit:
        raise media.too_large(limit)
    received = await media.receive(row, request.stream(), digest)
    try:
        async with units.begin(resource.Media(media_id)) as unit:
            return await media.store(unit, media_id, received)
    except BaseException:
        await storage().delete(received.key)
        raise


@router.delete("/media/{media_id}", status_code=HTTPStatus.NO_CONTENT)
async def archive_media(media_id: UUID, units: Annotated[Units, action("media.archive")]) -> None:
    """Put a file away that no item shows; emits `course.updated`."""
    async with units.begin(resource.Media(media_id)) as unit:
        await media.archive(unit, media_id)


@router.get("/media/{media_id}/link", response_model=MediaLink)
async def get_media_link(
    media_id: UUID, units: Annotated[Units, action("media.fetch")]
) -> dict[str, Any]:
    """Make an address of a file's bytes for a player; it expires, and is bound to whoever asks."""
    async with units.begin(resource.Media(media_id)) as unit:
        found = media.link_of(unit, await media.get(unit, media_id))
    return {"media_id": media_id, "url": found.url, "expires_at": found.expires_at}


@router.get("/media/{media_id}/bytes", response_class=StreamingResponse, responses=_FETCHED)
async def download_media(
    media_id: UUID,
    units: Annotated[Units, action("media.fetch")],
    institution: Annotated[str | None, Query(pattern=UUID_PATTERN)] = None,
    user: Annotated[str | None, Query(pattern=UUID_PATTERN)] = None,
    expires: Annotated[int | None, Query(ge=0, lt=2**53)] = None,
    signature: Annotated[str | None, Query(max_length=100)] = None,
    range_: Annotated[
        str | None, Header(alias="Range", max_length=200, description="one range of bytes")
    ] = None,
    if_range: Annotated[str | None, Header(alias="If-Range", max_length=200)] = None,
    known: Annotated[str | None, Header(alias="If-None-Match", max_length=2000)] = None,
) -> Response:
    """Download the bytes of a file; by the address that `/link` gives, or with credentials.

    The person for whom the address was made must still be in the course.
    """
    bound, about, left_s = units, None, ContentSettings().link_s
    if signature is not None:
        if institution is None or user is None or expires is None:
            raise Malformed("a signed address has institution, user, expires and signature")
        left_s = Link(str(media_id), institution, user, expires).check(signature)
        if units.caller.user_id not in (None, user):
            raise Forbidden("the address of the file was made for somebody else")
        bound, about = replace(units, caller=anonymous(institution)), user
    async with bound.begin(resource.Media(media_id, about)) as unit:
        row = await media.get(unit, media_id)
    if row.status != "ready":
        raise Conflict(f"file {media_id} has no bytes yet")
    return await _answer(row, left_s, range_, if_range, known)


async def _answer(
    row: media.KeyedFile, left_s: int, range_: str | None, if_range: str | None, known: str | None
) -> Response:
    etag = f'"{row.sha256}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": f"private, max-age={left_s}",
        "Content-Disposition": media_types.disposition(row.media_type, row.name),
        "Cross-Origin-Resource-Policy": "cross-origin",  # players of the application's own origin
        # Whatever the bytes are, nothing in them runs as a page of ours.
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    if known is not None and (known.strip() == "*" or etag in known):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    wanted = requested(row.bytes or 0, range_, if_range, etag)
    headers["Content-Length"] = str(wanted.end - wanted.start)
    if not wanted.whole:
        headers["Content-Range"] = wanted.content_range
    return StreamingResponse(
        await media.bytes_of(row, wanted.start, wanted.end),
        HTTPStatus.OK if wanted.whole else HTTPStatus.PARTIAL_CONTENT,
        headers,
        row.media_type,
    )
