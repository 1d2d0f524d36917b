"""Qdrant: a server where an address is set, else the same API in process over a local folder."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict
from qdrant_client import QdrantClient

from stack import tls
from stack.profile import profile


class QdrantSettings(BaseSettings):
    """``LMS_QDRANT_*``; without ``url`` the index is a folder, opened by one process at a time."""

    model_config = SettingsConfigDict(env_prefix="LMS_QDRANT_", frozen=True)

    url: str | None = None
    api_key: str | None = None


def client() -> QdrantClient:
    """A client of the server that is set, or of a folder that one process may have open."""
    settings = QdrantSettings()
    if settings.url:
        if not tls.on("qdrant"):
            return QdrantClient(
                url=settings.url, api_key=settings.api_key, check_compatibility=False
            )
        url = settings.url.replace("http://", "https://", 1)
        return QdrantClient(
            url=url,
            api_key=settings.api_key,
            verify=tls.client_context(),
            check_compatibility=False,  # it asks by a client that knows no authority of ours
        )
    return QdrantClient(path=str(profile().artefacts / "qdrant"))
