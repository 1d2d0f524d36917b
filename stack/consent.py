"""Who has consented to what before anybody was asked: a decision of the deployment."""

from __future__ import annotations

from typing import cast, get_args

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.consent import PURPOSES, Purpose
from contracts.errors import Misconfigured

ALL = ",".join(get_args(Purpose))


class ConsentSettings(BaseSettings):
    """``LMS_PRIVACY_DEFAULT_CONSENT``: purposes given until somebody withdraws them.

    ``personalization,analytics`` for all institutions; empty: nothing without being asked. One
    institution differs by ``; <institution id>=personalization``.
    """

    model_config = SettingsConfigDict(env_prefix="LMS_PRIVACY_", frozen=True)

    default_consent: str = Field(default=ALL)

    @field_validator("default_consent")
    @classmethod
    def _known(cls, text: str) -> str:
        for purposes in _parsed(text).values():
            unknown = purposes - set(PURPOSES)
            if unknown:
                raise Misconfigured(
                    f"LMS_PRIVACY_DEFAULT_CONSENT names {', '.join(sorted(unknown))}: the purposes "
                    f"are {', '.join(PURPOSES)}",
                    setting="LMS_PRIVACY_DEFAULT_CONSENT",
                )
        return text

    def by_default(self, institution_id: object) -> frozenset[Purpose]:
        """What counts as given in an institution by who has not said anything."""
        parsed = _parsed(self.default_consent)
        found = parsed.get(str(institution_id), parsed.get("", frozenset()))
        return cast(frozenset[Purpose], found)


def _parsed(text: str) -> dict[str, frozenset[str]]:
    """Purposes by institution; the deployment's under the empty string."""
    found = {"": frozenset[str]()}
    for part in text.split(";"):
        name, given, purposes = part.rpartition("=")
        key = name.strip().lower() if given else ""
        found[key] = frozenset(one.strip() for one in purposes.split(",") if one.strip())
    return found
