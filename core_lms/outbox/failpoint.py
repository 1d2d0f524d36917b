"""The steps of the relay at which a test may kill it."""

from __future__ import annotations

from core_lms.failpoint import Failpoint

VARIABLE = "LMS_OUTBOX_FAILPOINT"

STEPS = (
    "locked",  # we are the one relay
    "fenced",  # Kafka has ended whatever our predecessor left open
    "recovered",  # we know whether its last batch was published
    "intending",  # rows deleted and intention written, not committed
    "intended",  # intention committed
    "begun",  # Kafka transaction open, half of the batch handed to the client
    "flushed",  # the whole batch is on the broker, uncommitted
    "offsets_sent",  # and so is its number
    "committed",  # the Kafka transaction is committed; the rows are still in the outbox
)

reached = Failpoint(VARIABLE, STEPS).reached
