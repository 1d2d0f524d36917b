"""The steps of paying and refunding at which a test may kill the process."""

from __future__ import annotations

from core_lms.failpoint import Failpoint

VARIABLE = "LMS_PAYMENTS_FAILPOINT"

STEPS = (
    "claimed",  # the notice is written down, not committed
    "paid",  # order, enrollment and events are written, not committed
    "leased",  # a refund is ours for a while; the provider does not know of it
    "sent",  # the provider has sent the money back; we have not written it down
)

reached = Failpoint(VARIABLE, STEPS).reached
