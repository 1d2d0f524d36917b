"""What a learner has done and how often an item was viewed, of all time, with the newest."""

from pipelines.derive.job import Derived
from pipelines.derive.tables import Table, entity_queue

JOB = Derived(
    name="running_totals",
    about="events and clicks per learner, views per item, and the newest; two feature views",
    tables=(
        Table(
            "learner_totals",
            "events of a learner about content, of all time, and the newest",
            """
            user_id uuid NOT NULL
            institution_id uuid NOT NULL
            events bigint NOT NULL
            clicks bigint NOT NULL
            ahead bigint NOT NULL -- events of these that were ahead of our clock when they came
            last_item_id uuid
            last_course_id uuid
            last_seen_at timestamptz -- of events that were not ahead
            """,
            key=("user_id", "institution_id"),
        ),
        Table(
            "item_totals",
            "views of an item, of all time, and the newest",
            """
            item_id uuid NOT NULL
            institution_id uuid NOT NULL
            views bigint NOT NULL
            clicks bigint NOT NULL
            ahead bigint NOT NULL -- views of these that were ahead of our clock when they came
            last_viewed_at timestamptz -- of views that were not ahead
            """,
            key=("item_id", "institution_id"),
        ),
    ),
    reads=("item_delta", "learner_minute", "new_events"),
    queues=(entity_queue("learner_totals_due"), entity_queue("item_totals_due")),
)
