"""A pager behind a gateway that takes a POST: ``LMS_PAGER_URL``."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.errors import Retryable
from core_lms.notifications.channels import Message
from core_lms.unit import Unit


class PagerSettings(BaseSettings):
    """The channel's own."""

    model_config = SettingsConfigDict(env_prefix="LMS_PAGER_", frozen=True)

    url: str = ""


class Pager:
    """One pager per institution."""

    needs_consent = True

    def unavailable(self) -> str | None:
        return None if PagerSettings().url else "LMS_PAGER_URL is not set"

    async def targets(self, unit: Unit, user_id: str) -> Sequence[str]:
        return ("",)

    async def send(self, message: Message) -> None:
        try:
            async with httpx.AsyncClient() as client:
                await client.post(PagerSettings().url, content=message.text.subject)
        except httpx.HTTPError as error:
            raise Retryable(f"the pager does not answer: {type(error).__name__}") from None


channel = Pager()
