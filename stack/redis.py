"""Redis: online features, live counters."""

from __future__ import annotations

import redis
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack.profile import profile


class RedisSettings(BaseSettings):
    """``LMS_REDIS_*``; ``url`` as redis-py reads it."""

    model_config = SettingsConfigDict(env_prefix="LMS_REDIS_", frozen=True)

    url: str = Field(default_factory=lambda: f"redis://127.0.0.1:{profile().port(16379)}/0")


def client() -> redis.Redis:
    return redis.Redis.from_url(RedisSettings().url)
