"""The steps of applying a batch at which a test may kill the process."""

from __future__ import annotations

from core_lms.failpoint import Failpoint

VARIABLE = "LMS_INBOX_FAILPOINT"

STEPS = (
    "assigned",  # positions read, nothing fetched
    "fetched",  # messages of Kafka in memory
    "locked",  # the position is locked
    "handled",  # one event's effects written, not committed
    "appended",  # the events that the handlers emitted are in the outbox, not committed
    "moved",  # the new position is written, not committed
    "committed",  # all of it is committed; memory does not know yet
)

reached = Failpoint(VARIABLE, STEPS).reached
