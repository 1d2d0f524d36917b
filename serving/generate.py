"""What serving generates: its API as a document."""

from __future__ import annotations

from pathlib import Path

from gateway import promise
from serving.app import create_app


def generate() -> dict[Path, str]:
    """``docs/generated/openapi/serving.json``; raises ``Rejected`` for a broken promise."""
    return promise.files("serving", create_app())
