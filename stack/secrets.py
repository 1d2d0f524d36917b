"""Secrets: from the environment, or on one machine made once and kept in the profile's folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from contracts.errors import Misconfigured
from stack.profile import profile

_ALLOWED = set("abcdefghijklmnopqrstuvwxyz0123456789-")


def secret(name: str, make: Callable[[], str]) -> str:
    """``LMS_SECRET_<NAME>``, else the file ``<name>`` (mode 0600) in ``LMS_SECRETS_DIR``, which is
    ``secrets`` in the folder of the local profile unless set.

    The file is written with ``make()`` the first time anybody asks; of two processes that ask at
    once one writes and both read the same. A cluster sets the variable: every machine must know
    the same secret. Raises ``Misconfigured`` for an empty one.
    """
    if not name or not set(name) <= _ALLOWED:
        raise ValueError(f"a secret's name is like service-key, not {name!r}")
    variable = f"LMS_SECRET_{name.upper().replace('-', '_')}"
    given = os.environ.get(variable)
    if given is not None:
        if not given.strip():
            raise Misconfigured(f"{variable} is empty", setting=variable)
        return given.strip()
    folder = os.environ.get("LMS_SECRETS_DIR")
    path = (Path(folder) if folder else profile().run / "secrets") / name
    if not path.exists():
        _write_once(path, make())
    found = path.read_text(encoding="utf-8").strip()
    if not found:
        raise Misconfigured(f"{path} is empty: restore it or set {variable}", setting=variable)
    return found


def _write_once(path: Path, text: str) -> None:
    """Whole or not at all; whoever comes second leaves the first one's file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(fresh, path)
    fresh.unlink()
