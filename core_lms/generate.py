"""What the LMS generates: the frozen hashes of its shipped migrations, and its API."""

from __future__ import annotations

from pathlib import Path

from core_lms.app import create_app
from core_lms.migrate import FROZEN, Migration, frozen, migrations
from gateway import promise
from stack.profile import REPOSITORY


def generate() -> dict[Path, str]:
    """Every generated file by path relative to the repository; a promise of the API is kept."""
    return frozen_hashes() | promise.files("lms", create_app())


def frozen_hashes() -> dict[Path, str]:
    """``frozen.sha256`` of every migrations folder.

    Raises ``Misconfigured`` for a migration that changed after it was frozen, so that generating
    can add to the list but never rewrite it. A deleted migration keeps its line.
    """
    folders: dict[Path, list[Migration]] = {}
    for migration in migrations():
        folders.setdefault(migration.path.parent, []).append(migration)
    listings = {}
    for folder, members in folders.items():
        hashes = frozen(folder) | {m.path.name: m.sha256 for m in members}
        text = "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items()))
        listings[(folder / FROZEN).relative_to(REPOSITORY)] = text
    return listings
