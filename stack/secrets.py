"""Secrets: from the environment, or on one machine made once and kept in the profile's folder."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.errors import Misconfigured
from stack.profile import profile


class SecretSettings(BaseSettings):
    """``LMS_SECRETS_*``; the secrets themselves are ``LMS_SECRET_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="LMS_SECRETS_", frozen=True)

    dir: Path = Field(default_factory=lambda: profile().run / "secrets")
    """Where they are kept that the environment does not hold."""


_ALLOWED = set("abcdefghijklmnopqrstuvwxyz0123456789-")


def secret(name: str, make: Callable[[], str]) -> str:
    """``LMS_SECRET_<NAME>``, else the file ``<name>`` (mode 0600) in the folder of
    ``LMS_SECRETS_DIR``.

    The file is written with ``make()`` the first time anybody asks; of two processes that ask at
    once one writes and both read the same. A cluster sets the variable: every machine must know
    the same secret. Raises ``Misconfigured`` for an empty one.
    """
    if not name or not set(name) <= _ALLOWED:
        raise ValueError(f"a secret's name is like service-key, not {name!r}")
    variable = variable_of(name)
    given = os.environ.get(variable)
    if given is not None:
        if not given.strip():
            raise Misconfigured(f"{variable} is empty", setting=variable)
        return given.strip()
    path = file_of(name)
    if not path.exists():
        _write_once(path, make())
    found = path.read_text(encoding="utf-8").strip()
    if not found:
        raise Misconfigured(f"{path} is empty: restore it or set {variable}", setting=variable)
    return found


def variable_of(name: str) -> str:
    """The environment variable that holds a secret where it is set."""
    return f"LMS_SECRET_{name.upper().replace('-', '_')}"


def file_of(name: str) -> Path:
    """The file that holds a secret where the variable is not set."""
    return SecretSettings().dir / name


def replace(name: str, text: str) -> Path:
    """Write another text in place of a secret's file, whole or not at all; returns the file.

    Raises ``Misconfigured`` where the secret comes from the environment, which we cannot write.
    """
    variable, path = variable_of(name), file_of(name)
    if variable in os.environ:
        raise Misconfigured(
            f"the secret comes from {variable}, which only you can change", setting=variable
        )
    fresh = _written(path, text)
    fresh.rename(path)
    return path


def _write_once(path: Path, text: str) -> None:
    """Whole or not at all; whoever comes second leaves the first one's file."""
    fresh = _written(path, text)
    with contextlib.suppress(FileExistsError):
        os.link(fresh, path)
    fresh.unlink()


def _written(path: Path, text: str) -> Path:
    """The text on disk under a name of its own, beside ``path``."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A name that no other thread has: the file may be linked to its place before we are done here.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    fresh = Path(name)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return fresh
