"""What all stores share: obstore speaks to folders and to S3 in the same words.

Its blocking calls are used, each in a thread of ours. The awaitable ones answer from threads of
its own that outlive the answer, and an interpreter that ends at that moment is aborted
(PyO3/pyo3-async-runtimes, issue 40).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any

import obstore
from obstore.exceptions import BaseError, NotFoundError

from contracts.errors import Retryable
from gateway.errors import NotFound

CHUNK = 256 * 1024
UPLOAD_CHUNK = 8 * 1024 * 1024
"""An object is sent in chunks of this size, two at a time: that much is in memory, no more."""


class Objects:
    """Objects of one obstore store."""

    def __init__(self, store: Any) -> None:
        self._store = store

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        # The put is atomic, and an error of the iterator aborts it and comes out as it is.
        try:
            await asyncio.to_thread(
                obstore.put,
                self._store,
                key,
                _drawn(chunks, asyncio.get_running_loop()),
                chunk_size=UPLOAD_CHUNK,
                max_concurrency=2,
            )
        except BaseError as error:
            raise _away(error) from error

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        if start >= end:
            return
        try:
            found = await asyncio.to_thread(
                obstore.get, self._store, key, options={"range": (start, end)}
            )
            stream = iter(found.stream(min_chunk_size=CHUNK))
            while chunk := await asyncio.to_thread(next, stream, None):
                yield bytes(chunk)
        except (NotFoundError, FileNotFoundError):
            raise NotFound("the file's bytes are not there") from None
        except BaseError as error:
            if not await asyncio.to_thread(self._ends_before, key, start):
                raise _away(error) from error

    def _ends_before(self, key: str, start: int) -> bool:
        """Whether there is nothing to read from ``start`` on, which stores call an error."""
        try:
            return bool(obstore.head(self._store, key)["size"] <= start)
        except BaseError:
            return False

    async def delete(self, key: str) -> None:
        try:
            await asyncio.to_thread(obstore.delete, self._store, key)
        except (NotFoundError, FileNotFoundError):
            return
        except BaseError as error:
            raise _away(error) from error

    async def objects(self) -> AsyncIterator[tuple[str, datetime]]:
        pages = iter(obstore.list(self._store))
        while page := await asyncio.to_thread(next, pages, None):
            for found in page:
                yield found["path"], found["last_modified"]

    async def sweep(self, before: datetime) -> int:
        return 0


def _drawn(chunks: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> Iterator[bytes]:
    """What the loop's iterator gives, drawn from another thread."""

    async def following() -> bytes | None:
        return await anext(chunks, None)

    while (chunk := asyncio.run_coroutine_threadsafe(following(), loop).result()) is not None:
        yield chunk


def _away(error: Exception) -> Retryable:
    return Retryable(f"the storage of files does not answer ({type(error).__name__}); try again")
