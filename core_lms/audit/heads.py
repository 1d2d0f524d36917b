"""Heads of the audit log kept in a file: what the database's owner cannot rewrite unnoticed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from contracts.errors import Misconfigured
from core_lms.audit.chain import Head


def keep(path: Path, head: Head) -> None:
    """Append ``head``; on disk when this returns. Raises ``Misconfigured``."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{head}\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Misconfigured(
            f"LMS_AUDIT_HEADS: {path} cannot be appended to: {error.strerror}",
            setting="LMS_AUDIT_HEADS",
        ) from error


def kept(path: Path) -> Iterator[Head]:
    """All heads in the file, none where there is none yet; a last line half written is left out.

    Raises ``Misconfigured`` for any other line that is not a head.
    """
    if not path.exists():
        return
    text = path.read_text(encoding="ascii", errors="replace")
    lines = text.split("\n")
    for number, line in enumerate(lines[:-1], 1):
        try:
            yield Head.parse(line)
        except ValueError:
            raise Misconfigured(f"{path}:{number}: not a head: {line[:80]!r}", path=path) from None
