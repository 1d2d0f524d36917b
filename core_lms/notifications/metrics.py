"""What the sender counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

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
