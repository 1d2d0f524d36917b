"""The bytes of files at rest: Tink's streaming AEAD under a key of their institution.

An object is a row of ciphertexts, one for each ``CHUNK`` bytes of the file, so that a range is read
by opening the chunks it touches. Each is bound to its object and its place in it: a chunk that was
changed, moved or copied from elsewhere does not open. How long the file is says its row.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from functools import lru_cache

import tink
from tink import proto_keyset_format, secret_key_access, streaming_aead

from contracts.errors import Misconfigured
from core_lms.content.storage import Storage
from stack.keyset import Undecryptable, master

CHUNK = 256 * 1024
"""Bytes of the file in one ciphertext; so much is in memory, and opened for one byte of it."""
OVERHEAD = 56
"""Bytes a ciphertext is longer: a header of 40 (salt, nonce) and one tag of 16, as it is no longer
than one segment of ``AES256_GCM_HKDF_1MB``."""
SUFFIX = ".aead"
"""How the key of an encrypted object ends; others are from before and read as they are."""

_TEMPLATE = streaming_aead.streaming_aead_key_templates.AES256_GCM_HKDF_1MB

streaming_aead.register()


def is_encrypted(storage_key: str) -> bool:
    return storage_key.endswith(SUFFIX)


def new_key(institution_id: object) -> bytes:
    """A keyset for an institution, wrapped by the master key for its row in ``media_keys``."""
    handle = tink.new_keyset_handle(_TEMPLATE)
    clear = proto_keyset_format.serialize(handle, secret_key_access.TOKEN)
    return master().encrypt(clear, bound_to(institution_id))


def bound_to(institution_id: object) -> bytes:
    """The associated data of a wrapped keyset."""
    return f"media_keys/{institution_id}".encode()


class Cipher:
    """Encrypts and decrypts the objects of one institution."""

    def __init__(self, institution_id: str, wrapped: bytes) -> None:
        """Raises ``Misconfigured`` where the master key is not the one it was wrapped with."""
        try:
            clear = master().decrypt(wrapped, bound_to(institution_id))
        except Undecryptable as error:
            raise Misconfigured(
                f"the media key of institution {institution_id} cannot be opened: the master key "
                "(LMS_SECRET_KEYSET, or secrets/keyset of the profile) is not the one it was "
                "wrapped with",
                institution_id=institution_id,
            ) from error
        handle = proto_keyset_format.parse(clear, secret_key_access.TOKEN)
        self._aead = handle.primitive(streaming_aead.StreamingAead)

    async def encrypted(
        self, storage_key: str, given: AsyncIterator[bytes]
    ) -> AsyncIterator[bytes]:
        """The object's bytes for a file that is ``given`` in pieces of any size."""
        kept, number = bytearray(), 0
        async for piece in given:
            kept += piece
            while len(kept) >= CHUNK:
                yield self._seal(storage_key, number, bytes(kept[:CHUNK]))
                del kept[:CHUNK]
                number += 1
        if kept or number == 0:
            yield self._seal(storage_key, number, bytes(kept))

    async def decrypted(
        self, store: Storage, storage_key: str, size: int, start: int, end: int
    ) -> AsyncIterator[bytes]:
        """Bytes ``start`` to before ``end`` of a file of ``size`` bytes.

        Nothing is given out that was not found to be whole. Raises ``Misconfigured`` at the first
        chunk that is not what was written, and ``NotFound`` where there is no such object.
        """
        if start >= end:
            return
        number, last = start // CHUNK, (end - 1) // CHUNK
        longest = CHUNK + OVERHEAD
        stop = min((last + 1) * longest, last * longest + size - last * CHUNK + OVERHEAD)
        kept = bytearray()
        async for sealed in store.read(storage_key, number * longest, stop):
            kept += sealed
            while number <= last:
                length = min(CHUNK, size - number * CHUNK) + OVERHEAD
                if len(kept) < length:
                    break
                clear = self._open(storage_key, number, bytes(kept[:length]))
                del kept[:length]
                begin = number * CHUNK
                yield clear[max(start - begin, 0) : end - begin]
                number += 1
        if number <= last:
            raise _spoilt(storage_key, number)

    def _seal(self, storage_key: str, number: int, clear: bytes) -> bytes:
        out = _Kept()
        with self._aead.new_encrypting_stream(out, _place(storage_key, number)) as stream:
            stream.write(clear)
        return out.getvalue()

    def _open(self, storage_key: str, number: int, sealed: bytes) -> bytes:
        place = _place(storage_key, number)
        try:
            with self._aead.new_decrypting_stream(io.BytesIO(sealed), place) as stream:
                return bytes(stream.read())
        except tink.TinkError:
            raise _spoilt(storage_key, number) from None


@lru_cache(maxsize=1024)
def cipher(institution_id: str, wrapped: bytes) -> Cipher:
    """The one of an institution, opened once per process."""
    return Cipher(institution_id, wrapped)


class _Kept(io.BytesIO):
    """What was written can still be read after Tink has closed it."""

    def close(self) -> None: ...


def _place(storage_key: str, number: int) -> bytes:
    return f"media/{storage_key}/{number}".encode()


def _spoilt(storage_key: str, number: int) -> Misconfigured:
    return Misconfigured(
        f"the stored bytes of file {storage_key} are refused at chunk {number}: they were changed, "
        "cut off, or encrypted with another key",
        storage_key=storage_key,
        chunk=number,
    )
