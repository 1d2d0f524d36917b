"""The sender: takes due deliveries under a lease, hands each to its channel, notes what came of it.

A delivery is claimed by raising its number of attempts, which commits before anything is sent;
whoever notes the outcome names that number, so a sender that lost its lease notes nothing. Dying
between the channel's yes and the note is the one moment after which a message goes out again: the
note is the very next thing done, and the second message carries the first one's id.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from prometheus_client import Counter, Histogram
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from contracts.errors import LearnstreamError, Rejected
from core_lms.failpoint import Failpoint
from core_lms.inbox import pause
from core_lms.notifications import repository
from core_lms.notifications.channels import POINT, Message
from core_lms.notifications.kinds import kinds
from core_lms.notifications.preferences import Wishes
from core_lms.notifications.repository import Claimed, Delivery
from core_lms.notifications.service import link_of
from core_lms.notifications.settings import NotificationSettings
from core_lms.notifications.settings import settings as own_settings
from core_lms.notifications.texts import pick, render
from core_lms.notifications.tokens import Unsubscription
from core_lms.plugins import plugins
from core_lms.unit import Unit
from core_lms.units import transaction
from core_lms.users import repository as users
from gateway.caller import service as consumer

log = logging.getLogger("core_lms.notifications")

NAME = "notifications.send"

FAILPOINT = Failpoint(
    "LMS_NOTIFICATIONS_FAILPOINT",
    (
        "claimed",  # leased, nothing read
        "prepared",  # the message is made, nothing sent
        "sent",  # the other side has taken it; it is not noted yet
        "noted",  # the delivery has ended
    ),
)
ENDED = Counter(
    "lms_notification_deliveries_total",
    "Tries by outcome: sent, again (tried later), dropped (not wanted any more), dead",
    ["channel", "outcome"],
)
WAITED = Histogram(
    "lms_notification_wait_seconds",
    "From writing a notification down to its having been sent",
    ["channel"],
    buckets=(0.1, 0.5, 1, 2, 5, 15, 60, 300, 3600, 86400),
)


class Dropped(Exception):
    """The message is not wanted any more; ``reason`` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Sender:
    """Several may run at once, in one process or in many."""

    pool: AsyncConnectionPool[Any]
    settings: NotificationSettings

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            claimed = await self.claim()
            if not claimed:
                await pause(stop, self.settings.poll_s)
                continue
            FAILPOINT.reached("claimed")
            await self.send_all(claimed)

    async def claim(self) -> list[Claimed]:
        """What is due, oldest first; committed before anything is sent."""
        values = {"most": self.settings.batch, "lease_s": self.settings.lease_s}
        async with (
            self.pool.connection() as connection,
            connection.cursor(row_factory=class_row(Claimed)) as cursor,
        ):
            await cursor.execute(repository.sql["claim"], values)
            claimed: list[Claimed] = await cursor.fetchall()
        return claimed

    async def send_all(self, claimed: Sequence[Claimed]) -> None:
        """One person's in the order of what happened; different people's at once."""
        people: dict[str, list[Claimed]] = defaultdict(list)
        for one in claimed:
            people[one.user_id].append(one)
        await asyncio.gather(*(self._in_order(its) for its in people.values()))

    async def _in_order(self, claimed: Sequence[Claimed]) -> None:
        for one in claimed:
            await self.send(one)

    async def send(self, one: Claimed) -> None:
        """Send one and note the outcome; no error leaves, what is not noted is claimed again."""
        facts = {"delivery_id": one.id, "attempt": one.attempt}
        try:
            await self._send(one)
        except psycopg.Error as error:
            log.warning("not noted", extra={**facts, "error": type(error).__name__})
        except Exception as error:
            log.warning("delivery failed", exc_info=error, extra=facts)

    async def _send(self, one: Claimed) -> None:
        try:
            prepared = await self._prepare(one)
        except Dropped as error:
            await self._end(one, "?", "dropped", error.reason)
            return
        if prepared is None:
            return
        channel, message, created_at = prepared
        FAILPOINT.reached("prepared")
        try:
            # Half the lease: nobody else may be sending it while we still are.
            async with asyncio.timeout(self.settings.lease_s / 2):
                await plugins(POINT)[channel].send(message)
        except Rejected as error:
            await self._end(one, channel, "dead", error.message)
        except Exception as error:
            # Retryable, a timeout, or a channel's mistake: a sentence of ours holds no address.
            known = isinstance(error, LearnstreamError)
            reason = str(error) if known else f"the channel failed: {type(error).__name__}"
            await self._again(one, channel, reason)
        else:
            FAILPOINT.reached("sent")
            await self._end(one, channel, "sent", None)
            WAITED.labels(channel).observe((datetime.now(UTC) - created_at).total_seconds())
            FAILPOINT.reached("noted")

    async def _prepare(self, one: Claimed) -> tuple[str, Message, datetime] | None:
        """The channel, the message and when it was due; None where it is no longer ours."""
        async with self._unit(one.institution_id) as unit:
            which = {"id": one.id, "attempt": one.attempt, "lease_s": self.settings.lease_s}
            row = await unit.one(Delivery, repository.sql["delivery"], **which)
            if row is None:
                return None
            kind = kinds().get(row.kind)
            if kind is None or row.channel not in plugins(POINT):
                raise Dropped("there is no such kind or channel any more")
            user = await users.get(unit, row.user_id)
            if user is None:
                raise Dropped("the person was erased")
            # Asked again: it may have waited for hours.
            refusal = (await Wishes.of(unit, row.user_id)).refusal(row.kind, row.channel)
            if refusal is not None:
                raise Dropped(refusal)
            facts = dict(row.facts)
            if kind.at_sending is not None:
                more = await kind.at_sending(unit, row.user_id, facts)
                if more is None:
                    raise Dropped("there is nobody to let in")
                facts |= more
        wanted = user.profile.get("language")
        language = pick(kind.texts, wanted if isinstance(wanted, str) else None,
                        self.settings.language)  # fmt: skip
        message = Message(
            delivery_id=one.id,
            notification_id=row.notification_id,
            institution_id=one.institution_id,
            user_id=row.user_id,
            kind=row.kind,
            essential=kind.essential,
            target=row.target,
            text=render(kind.texts, language, facts),
            link=link_of(kind, facts),
            unsubscribe=None if kind.essential else self._unsubscribe(one, row),
            address=lambda: self._address(one.institution_id, row.user_id),
            transaction=lambda: self._unit(one.institution_id),
        )
        return row.channel, message, row.created_at

    def _unsubscribe(self, one: Claimed, row: Delivery) -> str:
        ends = Unsubscription(one.institution_id, row.user_id, row.kind, row.channel)
        return f"{self.settings.public_url}/notifications/unsubscribe/{ends.token()}"

    async def _address(self, institution_id: str, user_id: str) -> str:
        async with self._unit(institution_id) as unit:
            user = await users.get(unit, user_id)
        if user is None or not user.email:
            raise Rejected("there is no address")
        return user.email

    @asynccontextmanager
    async def _unit(self, institution_id: str) -> AsyncIterator[Unit]:
        async with transaction(self.pool, consumer(NAME, institution_id)) as unit:
            yield unit

    async def _end(self, one: Claimed, channel: str, status: str, reason: str | None) -> None:
        async with self._unit(one.institution_id) as unit:
            end = {"id": one.id, "attempt": one.attempt, "status": status, "reason": reason}
            ours = await unit.execute(repository.sql["end_delivery"], **end) == 1
        ENDED.labels(channel, status).inc()
        if status != "sent":
            facts = {"delivery_id": one.id, "channel": channel, "status": status, "reason": reason}
            log.warning("delivery ended", extra={**facts, "ours": ours})

    async def _again(self, one: Claimed, channel: str, reason: str) -> None:
        own = self.settings
        if one.attempt >= own.attempts:
            await self._end(one, channel, "dead", f"tried {one.attempt} times: {reason}")
            return
        wait_s = min(own.backoff_max_s, own.backoff_min_s * 2 ** (one.attempt - 1))
        async with self._unit(one.institution_id) as unit:
            wait = {"id": one.id, "attempt": one.attempt, "wait_s": wait_s, "reason": reason}
            await unit.execute(repository.sql["later"], **wait)
        ENDED.labels(channel, "again").inc()


async def run(pool: AsyncConnectionPool[Any], stop: asyncio.Event) -> None:
    await Sender(pool, own_settings()).run(stop)
