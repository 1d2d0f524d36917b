"""Which learners' and items' features have changed: their rows go to ``lms.features``."""

from pipelines.derive.job import Derived
from pipelines.derive.tables import entity_queue

JOB = Derived(
    name="feature_rows",
    about="entities whose features have changed: their rows go to lms.features",
    tables=(),
    reads=("active_day", "learner_course", "learner_minute", "new_events", "payload_events"),
    queues=(
        entity_queue("learner_activity_due"),
        entity_queue("learner_features_due"),
        entity_queue("item_features_due"),
    ),
)
