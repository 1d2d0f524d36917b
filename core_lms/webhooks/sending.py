"""Sending what is due: leased, signed, posted, and written down whatever came of it.

At least once: a process that dies after the receiver has answered leaves the message leased, and
it is sent again under the same ``webhook-id``, by which receivers know it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpcore
from psycopg_pool import AsyncConnectionPool

from core_lms.addresses import NotAllowed, PublicOnly
from core_lms.failpoint import Failpoint
from core_lms.units import transaction
from core_lms.webhooks import secrets, service
from core_lms.webhooks.repository import Due, Leased, sql
from core_lms.webhooks.settings import WebhookSettings
from gateway.caller import service as our

log = logging.getLogger("core_lms.webhooks")

Clock = Callable[[], datetime]
MOST_READ = 64 * 1024
"""Bytes of an answer; what comes after them is not waited for."""
NAME = "webhooks"

FAILPOINT = Failpoint(
    "LMS_WEBHOOKS_FAILPOINT",
    (
        "leased",  # the message is ours for a while, nothing is sent
        "sent",  # the receiver has answered; we have not written it down
    ),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt."""

    status: int | None
    error: str | None = None
    retry_after_s: float | None = None

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass
class Sender:
    """Sends with the settings' concurrency; a clock and a source of chance may be given."""

    pool: AsyncConnectionPool[Any]
    settings: WebhookSettings = field(default_factory=WebhookSettings)
    clock: Clock = lambda: datetime.now(UTC)
    chance: random.Random = field(default_factory=random.Random)
    _under_way: dict[asyncio.Task[None], tuple[UUID, UUID]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._http = httpcore.AsyncConnectionPool(
            network_backend=PublicOnly(self.settings.allow_private),
            max_connections=self.settings.concurrency,
            max_keepalive_connections=self.settings.concurrency,
            keepalive_expiry=10.0,
        )

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._under_way:
            await asyncio.wait(self._under_way)
        await self._http.aclose()

    async def begin(self) -> int:
        """Begin to send what is due, as far as there is room; returns how many."""
        room = self.settings.concurrency - len(self._under_way)
        if room <= 0:
            return 0
        async with transaction(self.pool, our(NAME, "")) as unit:
            due = await unit.all(
                Due,
                sql["due"],
                now=self.clock(),
                of_each=self.settings.of_each,
                at_most=self.settings.concurrency,
            )
        begun = 0
        for one in due[:room]:
            here = list(self._under_way.values())
            of_webhook = sum(webhook_id == one.webhook_id for _, webhook_id in here)
            if of_webhook >= self.settings.of_each or one.delivery_id in dict(here):
                continue
            task = asyncio.create_task(self._one(str(one.institution_id), one.delivery_id))
            self._under_way[task] = (one.delivery_id, one.webhook_id)
            task.add_done_callback(self._ended)
            begun += 1
        return begun

    @property
    def busy(self) -> bool:
        return bool(self._under_way)

    async def wait(self, longest_s: float | None = None) -> None:
        """Until something under way has ended, or for so long."""
        if self._under_way:
            await asyncio.wait(
                self._under_way, timeout=longest_s, return_when=asyncio.FIRST_COMPLETED
            )

    async def all_due(self) -> int:
        """Send everything that is due now, and wait for it; returns how many attempts that was."""
        attempts = 0
        while True:
            begun = await self.begin()
            attempts += begun
            if not begun and not self._under_way:
                return attempts
            await self.wait()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The lease ends by itself; the database was away or the row is gone.
            log.warning("attempt lost", extra={"error": type(error).__name__})

    async def _one(self, institution_id: str, delivery_id: UUID) -> None:
        caller, now = our(NAME, institution_id), self.clock()
        async with transaction(self.pool, caller) as unit:
            until = now + self.settings.lease
            row = await unit.one(Leased, sql["lease"], id=delivery_id, now=now, until=until)
        if row is None:
            return  # another process was faster
        FAILPOINT.reached("leased")
        answer = await self._post(row, now)
        FAILPOINT.reached("sent")
        at = self.clock()
        async with transaction(self.pool, caller) as unit:
            webhook_id = row.webhook_id
            if answer.taken:
                await unit.execute(sql["delivered"], id=delivery_id, at=at, status=answer.status)
                await unit.execute(sql["recovered"], id=webhook_id)
                return
            dead = answer.status == 410 or row.attempts >= self.settings.attempts
            await unit.execute(
                sql["failed"],
                id=delivery_id,
                at=at,
                status=answer.status,
                error=answer.error,
                dead=dead,
                next_attempt_at=at + self.pause(row.attempts, answer.retry_after_s),
            )
            failing_since = await unit.value(sql["failing"], id=webhook_id, at=at)
            if answer.status == 410:
                await service.disable(unit, webhook_id, "gone", at)
            elif failing_since and at - failing_since >= self._longest_failure():
                await service.disable(unit, webhook_id, "failing", at)
                log.error(
                    "webhook disabled: it failed too long", extra={"webhook": str(webhook_id)}
                )

    def pause(self, attempts: int, retry_after_s: float | None = None) -> timedelta:
        """Before the next attempt, after so many: exponential, bounded, never quite the same."""
        settings = self.settings
        wait_s = settings.first_wait_s * settings.factor ** min(attempts - 1, 60)
        wait_s = min(max(wait_s, retry_after_s or 0.0), settings.longest_wait_s)
        return timedelta(
            seconds=wait_s * self.chance.uniform(1 - settings.jitter, 1 + settings.jitter)
        )

    def _longest_failure(self) -> timedelta:
        return timedelta(hours=self.settings.disable_after_hours)

    async def _post(self, row: Leased, now: datetime) -> Answer:
        message: str = row.message
        signed = secrets.headers(secrets.valid(row, now), str(row.event_id), message, now)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Learnstream-Webhooks/1",
            **signed,
        }
        timeout_s = self.settings.timeout_s
        bounds = dict.fromkeys(("connect", "read", "write", "pool"), timeout_s)
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._http.stream(
                    "POST",
                    row.url,
                    headers=list(headers.items()),
                    content=message.encode(),
                    extensions={"timeout": bounds},
                ) as response,
            ):
                status = response.status
                found = {name.lower(): value for name, value in response.headers}
                if 200 <= status < 300:
                    return Answer(status)
                await _drain(response)
        except NotAllowed as error:
            return Answer(None, str(error))
        except (TimeoutError, httpcore.TimeoutException):
            return Answer(None, f"no answer within {timeout_s:g} s")
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            return Answer(None, f"no connection: {type(error).__name__}")
        except (httpcore.UnsupportedProtocol, ValueError) as error:
            return Answer(None, f"not an address: {type(error).__name__}")
        said = "a redirect is not followed" if 300 <= status < 400 else f"answered {status}"
        return Answer(status, said, _seconds(found.get(b"retry-after")))


async def _drain(response: httpcore.Response) -> None:
    """Read the answer, so that the connection can be used again; but not an endless one."""
    read = 0
    async for chunk in response.aiter_stream():
        read += len(chunk)
        if read > MOST_READ:
            return


def _seconds(text: bytes | None) -> float | None:
    """``Retry-After`` in seconds; as a date it is not worth knowing."""
    return float(text) if text is not None and text.isdigit() and len(text) < 8 else None
