"""The steps of sending at which a test may kill the process."""

from __future__ import annotations

from core_lms.failpoint import Failpoint

VARIABLE = "LMS_NOTIFICATIONS_FAILPOINT"

STEPS = (
    "claimed",  # leased, nothing read
    "prepared",  # the message is made, nothing sent
    "sent",  # the other side has taken it; it is not noted yet
    "noted",  # the delivery has ended
)

reached = Failpoint(VARIABLE, STEPS).reached
