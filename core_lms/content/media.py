"""Files of courses: announced, stored whole or not at all, read by ranges, put away."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from contracts.errors import Misconfigured, Rejected
from contracts.ids import new_id
from core_lms import pages
from core_lms.content import media_types
from core_lms.content.encryption import SUFFIX, Cipher, cipher, is_encrypted, new_key
from core_lms.content.links import Link, link
from core_lms.content.schemas import Media, NewMedia
from core_lms.content.settings import ContentSettings
from core_lms.content.storage import storage
from core_lms.courses import service as courses
from core_lms.idempotency import claim
from core_lms.unit import Unit
from gateway.errors import Conflict, Malformed, TooLarge
from gateway.pages import Window
from stack.queries import load

_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/=]{44}):")


class File(Media):
    """A file and where its bytes are stored."""

    storage_key: str | None


class KeyedFile(File):
    """A file with the key of its institution's files, if there is one."""

    wrapped_keyset: bytes | None


_sql = load(__file__, "media.sql", stored=File)


async def announce(unit: Unit, course_id: UUID, new: NewMedia) -> Media:
    """A file that is to come.

    Announced files of the institution whose bytes never came are forgotten on the way.
    """
    media_types.allowed(new.media_type)
    id_ = await claim(unit, "media", new, course_id)
    if unit.repeated:
        return await get(unit, id_)
    await courses.changeable(unit, course_id)
    before = datetime.now(UTC) - timedelta(hours=ContentSettings().waiting_h)
    await unit.execute(_sql["forget_waiting"], before=before)
    values = {"course_id": course_id, "uploaded_by": unit.caller.user_id, **new.model_dump()}
    unit.conflicts(f"there is a file {id_}")
    return await unit.need(File, _sql["insert"], "file", id=id_, **values)


async def get(unit: Unit, id_: object) -> KeyedFile:
    """Raises ``NotFound``."""
    return await unit.need(KeyedFile, _sql["get"], f"file {id_}", id=id_)


async def to_fill(unit: Unit, id_: UUID) -> KeyedFile:
    """A file for whose bytes there is a key of its institution, made now if it is the first."""
    row = await get(unit, id_)
    if row.wrapped_keyset is None:
        await unit.execute(_sql["make_key"], wrapped=new_key(unit.institution_id))
        row = await get(unit, id_)
    return row


async def page(unit: Unit, course_id: UUID, window: Window) -> dict[str, Any]:
    """The files of a course, oldest first."""
    return await pages.read(unit, Media, _sql["list"], window, course_id=course_id)


@dataclass(slots=True)
class Upload:
    """The bytes of one file on their way: counted, hashed, inspected, passed on chunk by chunk."""

    media_type: str
    limit: int
    key: str
    size: int = 0
    _sha256: Any = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        return str(self._sha256.hexdigest())

    async def chunks(self, given: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Raises ``TooLarge`` or ``Rejected`` as soon as it shows, which leaves nothing behind."""
        head = b""
        inspected = False
        async for chunk in given:
            self.size += len(chunk)
            if self.size > self.limit:
                raise too_large(self.limit)
            self._sha256.update(chunk)
            if inspected:
                yield chunk
                continue
            head += chunk
            if len(head) >= media_types.HEAD:
                inspected = True
                media_types.looks_like(self.media_type, head)
                yield head
        if not inspected:
            media_types.looks_like(self.media_type, head)
            yield head


async def receive(row: KeyedFile, given: AsyncIterator[bytes], digest: str | None) -> Upload:
    """Put the bytes of an announced file into storage, outside of any transaction.

    ``digest`` is the request's ``Content-Digest`` (RFC 9530). Raises ``Rejected`` where the bytes
    are not of the file's type or do not match it; then nothing is kept.
    """
    expected = expected_sha256(digest)
    settings = ContentSettings()
    # Each attempt has its own key: two at once do not write into each other.
    key = f"{row.institution_id}/{row.id}/{new_id()}{SUFFIX}"
    upload = Upload(row.media_type, settings.max_bytes, key)
    encrypted = _cipher(row).encrypted(key, upload.chunks(given))
    await storage().write(key, encrypted)
    if expected not in (None, upload.sha256):
        await storage().delete(key)
        raise Rejected(f"Content-Digest: the bytes that came have the SHA-256 {upload.sha256}")
    return upload


async def bytes_of(row: KeyedFile, start: int, end: int) -> AsyncIterator[bytes]:
    """Bytes ``start`` to before ``end`` of a ready file, opened.

    The first of them are there when this returns: a file that was tampered with is refused before
    anything of it is sent. Raises ``Misconfigured`` for one, ``NotFound`` where the object is gone.
    """
    key = row.storage_key or ""
    if is_encrypted(key):
        read = _cipher(row).decrypted(storage(), key, row.bytes or 0, start, end)
    else:  # from before files were encrypted: `learnstream media encrypt`
        read = storage().read(key, start, end)
    first = await anext(read, b"")

    async def all_of_it() -> AsyncIterator[bytes]:
        yield first
        async for chunk in read:
            yield chunk

    return all_of_it()


def _cipher(row: KeyedFile) -> Cipher:
    if row.wrapped_keyset is None:
        raise Misconfigured(
            f"institution {row.institution_id} has no media key: restore its row of media_keys",
            institution_id=str(row.institution_id),
        )
    return cipher(str(row.institution_id), bytes(row.wrapped_keyset))


def too_large(limit: int) -> TooLarge:
    return TooLarge(f"the file is longer than {limit} bytes (LMS_CONTENT_MAX_BYTES)")


def expected_sha256(digest: str | None) -> str | None:
    """The SHA-256 that ``Content-Digest`` names, in hex; raises ``Malformed``."""
    if digest is None:
        return None
    match = _DIGEST.search(digest)
    try:
        if match is None:
            raise ValueError
        return base64.b64decode(match.group(1), validate=True).hex()
    except (ValueError, binascii.Error):
        raise Malformed("Content-Digest is like sha-256=:<base64 of the digest>:") from None


async def store(unit: Unit, id_: UUID, upload: Upload) -> Media:
    """The bytes are there: the file can be used; emits ``course.updated``.

    Raises ``Conflict`` where another upload was first.
    """
    row = await _lock(unit, id_)
    uploaded = {"storage_key": upload.key, "bytes": upload.size, "sha256": upload.sha256}
    stored = await unit.one(File, _sql["store"], id=id_, **uploaded)
    if stored is None:
        raise Conflict(f"file {id_} has its bytes already: announce a new one")
    await courses.structure_changed(unit, row.course_id)
    return stored


async def archive(unit: Unit, id_: UUID) -> None:
    """Put a file away and, if no copy of the course uses them, its bytes; emits ``course.updated``.

    Raises ``Conflict`` where an item shows it.
    """
    row = await _lock(unit, id_)
    user = await unit.value(_sql["used_by"], id=id_, course_id=row.course_id)
    if user is not None:
        raise Conflict(f"file {id_} is shown by item {user}: change or archive that first")
    await unit.execute(_sql["archive"], id=id_)
    await courses.structure_changed(unit, row.course_id)
    key = row.storage_key
    if key is not None and not await unit.value(_sql["key_in_use"], storage_key=key):
        unit.afterwards.append(partial(storage().delete, key))


async def _lock(unit: Unit, id_: UUID) -> File:
    """The file, in a course that can be changed."""
    row = await unit.need(File, _sql["lock"], f"file {id_}", id=id_)
    await courses.changeable(unit, row.course_id)
    return row


def link_of(unit: Unit, row: KeyedFile) -> Link:
    """An address for whoever asks; raises ``Conflict`` for a file without bytes."""
    if row.status != "ready":
        raise Conflict(f"file {row.id} has no bytes yet: PUT them to /media/{row.id}/bytes")
    if unit.caller.user_id is None:
        raise Rejected("an address is bound to a person: machines fetch the bytes with their key")
    return link(str(row.id), unit.institution_id, unit.caller.user_id, ContentSettings().link_s)


async def known(unit: Unit, course_id: object, ids: list[str]) -> None:
    """Raises ``Rejected`` for a file that is not one of the course."""
    if not ids:
        return
    present = await unit.values(_sql["known"], ids=ids, course_id=course_id)
    if missing := set(ids) - set(present):
        raise Rejected(f"metadata: course {course_id} has no file {min(missing)}")


async def ready(unit: Unit, course_id: object) -> set[str]:
    """The files of a course that have their bytes."""
    return set(await unit.values(_sql["ready"], course_id=course_id))
