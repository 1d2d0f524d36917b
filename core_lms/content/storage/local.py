"""Files in a folder of this machine, or one that all machines share."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path

from obstore.store import LocalStore

from contracts.errors import Misconfigured
from core_lms.content.settings import ContentSettings
from core_lms.content.storage._objects import Objects

_HALF = re.compile(r"#\d+$")
"""How obstore names what it has not finished writing."""


class LocalFiles(Objects):
    """Written beside the final name and renamed; a writer that is killed leaves a half file."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            super().__init__(LocalStore(folder))
        except OSError as error:
            raise Misconfigured(
                f"LMS_CONTENT_FOLDER {folder}: {error.strerror}", setting="LMS_CONTENT_FOLDER"
            ) from error
        self._folder = folder

    async def sweep(self, before: datetime) -> int:
        return await asyncio.to_thread(self._sweep, before)

    def _sweep(self, before: datetime) -> int:
        removed = 0
        for path in self._folder.rglob("*"):
            if not _HALF.search(path.name) or not path.is_file():
                continue
            if datetime.fromtimestamp(path.stat().st_mtime, UTC) < before:
                path.unlink(missing_ok=True)
                removed += 1
        return removed


def open_storage(settings: ContentSettings) -> LocalFiles:
    return LocalFiles(settings.folder)
