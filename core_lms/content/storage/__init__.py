"""Where the bytes of files lie: each way of keeping them is one file of this folder.

``LMS_CONTENT_STORAGE`` names it; the module has ``open_storage(settings) -> Storage``.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from contracts.errors import Misconfigured
from core_lms.content.settings import ContentSettings

HERE = Path(__file__).parent


class Storage(Protocol):
    """Objects by key: written whole or not at all, read by ranges."""

    async def write(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Keep what ``chunks`` gives; if it raises, nothing is kept and the error goes on."""

    def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Bytes ``start`` to before ``end``, or to the end of a shorter object.

        Raises ``NotFound`` where there is no such object.
        """

    async def delete(self, key: str) -> None:
        """Forget an object; one that is not there is no error."""

    def objects(self) -> AsyncIterator[tuple[str, datetime]]:
        """Every object's key and when it was written."""

    async def sweep(self, before: datetime) -> int:
        """Remove what writers that died before then have left half written; says how many."""


def storage() -> Storage:
    """The storage of this installation; raises ``Misconfigured`` naming the setting."""
    return _open(ContentSettings())


@lru_cache(maxsize=4)
def _open(settings: ContentSettings) -> Storage:
    known = sorted(path.stem for path in HERE.glob("[a-z]*.py"))
    if settings.storage not in known:
        raise Misconfigured(
            f"LMS_CONTENT_STORAGE is {settings.storage!r}; it can be {' or '.join(known)}",
            setting="LMS_CONTENT_STORAGE",
        )
    module = importlib.import_module(f"{__name__}.{settings.storage}")
    opened: Storage = module.open_storage(settings)
    return opened
