"""How an item was used on a day: views, distinct learners, completions, drop-off."""

from pipelines.derive.job import Derived
from pipelines.derive.tables import Table

JOB = Derived(
    name="item_engagement",
    about="views, distinct learners, completions and drop-off per item and day",
    tables=(
        Table(
            "item_engagement",
            "how an item was used on a day",
            """
            bucket_at timestamptz NOT NULL -- start of the day (UTC)
            institution_id uuid NOT NULL
            course_id uuid NOT NULL
            item_id uuid NOT NULL
            kind text NOT NULL
            views bigint NOT NULL
            clicks bigint NOT NULL
            learners bigint NOT NULL -- distinct learners who opened it that day
            completions bigint NOT NULL
            finishers bigint NOT NULL -- those of them who completed it that day
            drop_off double precision
                GENERATED ALWAYS AS (1 - finishers / nullif(learners, 0)::double precision)
                STORED -- share of learners who did not complete it
            """,
            key=("bucket_at", "institution_id", "course_id", "item_id"),
            time="bucket_at",
        ),
    ),
    reads=("item_before", "new_events"),
)
