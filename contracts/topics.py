"""The Kafka topics: names, what travels on each, and how long it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# A message's time is its arrival by the broker's clock, not the producer's.
_BY_ARRIVAL = {"message.timestamp.type": "LogAppendTime"}


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic; ``config`` are Kafka topic settings, partitions are ``LMS_KAFKA_PARTITIONS``.

    How long messages are kept is ``LMS_KAFKA_RETENTION_DAYS``, but for a topic that is compacted or
    says it itself.
    """

    name: str
    about: str
    config: Mapping[str, str] = field(default_factory=lambda: _BY_ARRIVAL)


USERS = Topic("lms.users.events", "User creation, updates, deletions")
COURSES = Topic("lms.courses.events", "Course creation, updates, publishing")
ENROLLMENTS = Topic("lms.enrollments.events", "Enrollment changes, completions")
ASSESSMENTS = Topic("lms.assessments.events", "Submission, grading, feedback")
CONTENT = Topic("lms.content.events", "Views, video, downloads, forum posts")
RECOMMENDATIONS = Topic("lms.recommendations.events", "Shown, clicked, dismissed")
PAYMENTS = Topic("lms.payments.events", "Orders, payments, refunds")
INTEGRATION = Topic("lms.integration.events", "Webhooks and API keys of other systems")
FEATURES = Topic(
    "lms.features",
    "Feature rows on their way to the feature store (contracts.features)",
    {},
)
LIVE = Topic(
    "lms.live",
    "Minute sums of courses on their way to the live counters (contracts.live): for three hours",
    _BY_ARRIVAL | {"retention.ms": str(3 * 3600 * 1000), "segment.ms": str(3600 * 1000)},
)
DEAD_LETTERS = Topic("lms.dead-letters", "What could not be read, with the reason")
HEARTBEATS = Topic(
    "lms.heartbeats",
    "Messages that measure the way into the tables (contracts.heartbeat): the newest is kept",
    {"cleanup.policy": "compact"},
)
DUPLICATES = Topic("lms.duplicates", "Messages that repeat an event, by topic/partition/offset")

EVENT_TOPICS = (
    USERS,
    COURSES,
    ENROLLMENTS,
    ASSESSMENTS,
    CONTENT,
    RECOMMENDATIONS,
    PAYMENTS,
    INTEGRATION,
)
LMS_TOPICS = tuple(topic for topic in EVENT_TOPICS if topic is not RECOMMENDATIONS)
"""What the LMS publishes; recommendations are published by the service that makes them."""

TOPICS = (*EVENT_TOPICS, FEATURES, LIVE, DEAD_LETTERS, DUPLICATES, HEARTBEATS)
