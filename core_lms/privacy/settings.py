"""Where the key that protects all other keys is."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict


class PrivacySettings(BaseSettings):
    """``LMS_PRIVACY_*``."""

    model_config = SettingsConfigDict(env_prefix="LMS_PRIVACY_", frozen=True)

    kms_uri: str | None = None
    """A key of a cloud KMS that protects the keysets, such as ``aws-kms://arn:aws:kms:…``.

    Without it the keysets are protected by nothing but the mode of their files.
    """
