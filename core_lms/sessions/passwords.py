"""Passwords as Argon2id hashes (RFC 9106), computed beside the event loop and only so many at once.

A check costs tens of milliseconds and megabytes on purpose. It runs in a thread, so that other
requests go on; only a few run at a time, and the queue is bounded, so that a flood of logins can
take neither all processors nor all memory.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import anyio
import anyio.to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from contracts.errors import Retryable
from core_lms.sessions.settings import SessionSettings, settings

Result = TypeVar("Result")


class Hashing:
    """Hashes and checks, ``hashing_at_once`` at a time."""

    def __init__(self, given: SessionSettings) -> None:
        self._hasher = PasswordHasher(
            time_cost=given.argon2_passes,
            memory_cost=given.argon2_memory_kib,
            parallelism=given.argon2_lanes,
        )
        self._places = anyio.CapacityLimiter(given.hashing_at_once)
        self._under_way = 0
        self._most = given.hashing_at_once + given.hashing_queue
        # What an unknown account is checked against: the same work, and never right.
        self._nobodys = self._hasher.hash(secrets.token_urlsafe(16))

    async def hash(self, password: str) -> str:
        return await self._run(self._hasher.hash, password)

    async def is_right(self, hash_: str | None, password: str) -> bool:
        """Whether ``password`` is the one of ``hash_``; without a hash it costs as much."""
        right = await self._run(self._verify, hash_ or self._nobodys, password)
        return right and hash_ is not None

    def is_outdated(self, hash_: str) -> bool:
        """Whether it was made with other parameters than those set now."""
        return self._hasher.check_needs_rehash(hash_)

    def _verify(self, hash_: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash_, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[..., Result], *values: str) -> Result:
        if self._under_way >= self._most:
            raise Retryable("too many people are logging in at this moment; try again")
        self._under_way += 1
        try:
            return await anyio.to_thread.run_sync(work, *values, limiter=self._places)
        finally:
            self._under_way -= 1


@cache
def hashing() -> Hashing:
    """The one of this process."""
    return Hashing(settings())
