"""Which bounded contexts a process serves: all of them, or those that ``LMS_SERVICES`` names."""

from __future__ import annotations

import importlib
from pathlib import Path

from fastapi import APIRouter
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.errors import Misconfigured

HERE = Path(__file__).resolve().parent


class ServiceSettings(BaseSettings):
    """``LMS_SERVICES``; the inbox reads the same variable for its consumers."""

    model_config = SettingsConfigDict(frozen=True)

    services: str = Field(default="", validation_alias="LMS_SERVICES")
    """Names of contexts (``users,courses``), separated by commas; empty means all."""


def known() -> list[str]:
    """Every context: a folder with routes, consumers or loops."""
    patterns = ("*/routes.py", "*/consumer.py", "*/consumers/*.py", "*/loops/*.py")
    paths = (path.relative_to(HERE) for pattern in patterns for path in HERE.glob(pattern))
    return sorted({path.parts[0] for path in paths})


def chosen(settings: ServiceSettings | None = None) -> list[str]:
    """The contexts of this process; raises ``Misconfigured`` for a name that is none."""
    listing = (settings or ServiceSettings()).services
    names = {name.strip() for name in listing.split(",") if name.strip()}
    unknown = names - set(known())
    if unknown:
        raise Misconfigured(
            f"LMS_SERVICES names {', '.join(sorted(unknown))}: there is no such context. "
            f"Choose from {', '.join(known())}",
            unknown=sorted(unknown),
        )
    return [name for name in known() if not names or name in names]


def routers(module: str = "routes") -> list[APIRouter]:
    """The routes of the chosen contexts: whatever folder has a ``routes.py``.

    A ``public.py`` has those outside of the API, which people open by a link: their paths are
    whole, without ``/api/v1``.
    """
    modules = [
        importlib.import_module(f"core_lms.{name}.{module}")
        for name in chosen()
        if (HERE / name / f"{module}.py").exists()
    ]
    return [found.router for found in modules]
