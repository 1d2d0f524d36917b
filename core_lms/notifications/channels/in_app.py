"""In the product itself: the person's list of notifications, and the streams that show it live."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from redis.exceptions import RedisError

from core_lms.notifications import repository
from core_lms.notifications.channels import Message
from core_lms.notifications.wake import wake
from core_lms.unit import Unit

log = logging.getLogger("core_lms.notifications")


class InApp:
    """The list is a table: appearing twice is appearing once."""

    needs_consent = False

    def unavailable(self) -> str | None:
        return None

    async def targets(self, unit: Unit, user_id: str) -> Sequence[str]:
        return ("",)

    async def send(self, message: Message) -> None:
        async with message.transaction() as unit:
            await repository.appear(unit, message.notification_id, message.user_id)
        try:
            await wake(message.user_id)
        except (RedisError, OSError) as error:
            # The streams poll now and then by themselves.
            log.warning("streams not woken", extra={"error": type(error).__name__})


channel = InApp()
