"""Dies on purpose at a named step of the relay, so that tests can kill it exactly there."""

from __future__ import annotations

import os
import signal
from collections import Counter

VARIABLE = "LMS_OUTBOX_FAILPOINT"
"""``step`` or ``step:n``: SIGKILL to ourselves when the step is reached for the n-th time."""

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

_reached: Counter[str] = Counter()


def reached(step: str) -> None:
    wanted, _, nth = os.environ.get(VARIABLE, "").partition(":")
    if wanted == step:
        _reached[step] += 1
        if _reached[step] >= int(nth or 1):
            os.kill(os.getpid(), signal.SIGKILL)
