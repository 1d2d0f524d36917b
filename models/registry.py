"""Trained models: folders named by their content's hash, and a pointer to the live one.

``artefacts/<model>/<sha256>/…`` is written once and never changed; ``artefacts/<model>/live`` holds
the hash that serving follows. Promotion and rollback only move the pointer, atomically.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contracts.errors import Rejected
from stack.profile import profile


class Registry:
    """The versions of one model in this profile."""

    def __init__(self, model: str) -> None:
        self.root = profile().artefacts / model

    def folder(self, version: str) -> Path:
        return self.root / version

    def versions(self) -> list[str]:
        """Every version kept, oldest first."""
        folders = [path for path in self.root.glob("[0-9a-f]*") if path.is_dir()]
        return [path.name for path in sorted(folders, key=lambda path: path.stat().st_mtime)]

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """A folder to write a new version in; whatever is left in it afterwards is removed."""
        self.root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".draft-", dir=self.root))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def add(self, draft: Path) -> str:
        """Keep a draft under its content's hash; the same content again is the same version."""
        version = content_hash(draft)
        if not self.folder(version).exists():
            draft.chmod(0o755)
            draft.rename(self.folder(version))
        return version

    def live(self) -> str | None:
        """The version that serving uses, or None."""
        try:
            return (self.root / "live").read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None

    def promote(self, version: str) -> None:
        """Make ``version`` live; the one before it is remembered. Raises ``Rejected``."""
        folder = self.folder(version)
        if not folder.is_dir():
            raise Rejected(f"there is no version {version} of {self.root.name}", version=version)
        if content_hash(folder) != version:
            raise Rejected(f"{folder} was changed after it was made: train again", version=version)
        before = self.live()
        if before == version:
            return
        if before:
            self._point("previous", before)
        self._point("live", version)

    def rollback(self) -> str:
        """Make the version before the live one live again and return it. Raises ``Rejected``."""
        try:
            version = (self.root / "previous").read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            raise Rejected(f"{self.root.name} has no earlier live version") from None
        self.promote(version)
        return version

    def _point(self, name: str, version: str) -> None:
        fresh = self.root / f".{name}-{os.getpid()}"
        with fresh.open("w", encoding="utf-8") as file:
            file.write(version + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.root / name)


def content_hash(folder: Path) -> str:
    """SHA-256 over the names and contents of a folder's files."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.name} {content}\n".encode())
    return digest.hexdigest()
