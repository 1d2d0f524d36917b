"""The steps of sending at which a test may kill the process."""

from __future__ import annotations

from core_lms.failpoint import Failpoint

VARIABLE = "LMS_WEBHOOKS_FAILPOINT"

STEPS = (
    "leased",  # the message is ours for a while, nothing is sent
    "sent",  # the receiver has answered; we have not written it down
)

reached = Failpoint(VARIABLE, STEPS).reached
