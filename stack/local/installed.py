"""A downloaded thing is complete or absent: made beside its place, then moved in one step."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stack.profile import profile

Progress = Callable[[str], None]
"""Called with a few words about what is being done now."""

STAMP = ".installed.json"


@dataclass(frozen=True, slots=True)
class Site:
    """Where one installation happens: ``folder`` at last, ``fresh`` and ``cache`` on the way."""

    folder: Path
    fresh: Path
    cache: Path
    complete: bool


def is_installed(name: str, recipe: Sequence[str]) -> bool:
    """Whether tree NAME is complete and of this recipe."""
    return _stamp(profile().programs / name) == _fingerprint(profile().programs / name, recipe)


@contextmanager
def installation(name: str, recipe: Sequence[str]) -> Iterator[Site]:
    """Make ``parts/NAME`` by filling ``site.fresh``; nothing is to be done if ``site.complete``.

    ``recipe`` is what the content depends on (versions, package names): another recipe, or a
    moved repository (programs know their folder), makes it anew. A failure leaves nothing
    behind. One process at a time: a second one waits, then finds it complete.
    """
    programs = profile().programs
    flat = name.replace("/", "-")
    folder, fresh, cache = programs / name, programs / f".{flat}.new", programs / f".{flat}.cache"
    programs.mkdir(parents=True, exist_ok=True)
    with (programs / f".{flat}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_installed(name, recipe):
            yield Site(folder, fresh, cache, complete=True)
            return
        for leftover in (fresh, cache):
            shutil.rmtree(leftover, ignore_errors=True)
            leftover.mkdir(parents=True)
        try:
            yield Site(folder, fresh, cache, complete=False)
            (fresh / STAMP).write_text(json.dumps(_fingerprint(folder, recipe)))
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            fresh.rename(folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.rmtree(cache, ignore_errors=True)


def _fingerprint(folder: Path, recipe: Sequence[str]) -> str:
    text = json.dumps([str(folder), *recipe])
    return hashlib.sha256(text.encode()).hexdigest()


def _stamp(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / STAMP).read_text()))
    except (OSError, ValueError):
        return None
