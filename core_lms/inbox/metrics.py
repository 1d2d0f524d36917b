"""What the inbox counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

EVENTS = Counter(
    "lms_inbox_events_total",
    "Messages a consumer is done with, by outcome: applied, passed (not its type), malformed, "
    "failed (set aside), late (another process had applied it), unconfirmed (no row of the LMS "
    "says so)",
    ["consumer", "outcome"],
)
RETRIES = Counter("lms_inbox_retries_total", "Events to be tried again", ["consumer"])
LAG = Gauge("lms_inbox_lag_messages", "Messages in Kafka the consumer has not seen", ["consumer"])
BATCH_S = Histogram(
    "lms_inbox_batch_seconds", "One transaction: a batch of one partition", ["consumer"]
)
RESTARTS = Counter("lms_inbox_restarts_total", "A loop ended with an error", ["loop"])
