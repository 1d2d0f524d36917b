"""How many learners opened an item on a day, and how many completed it."""

from pipelines.derive.job import Derived
from pipelines.derive.tables import Sums, Table

JOB = Derived(
    name="item_engagement",
    about="distinct learners, finishers and drop-off per item and day",
    tables=(
        Table(
            "item_engagement",
            "how many learners used an item on a day",
            """
            bucket_at timestamptz NOT NULL -- start of the day (UTC)
            institution_id uuid NOT NULL
            course_id uuid NOT NULL
            item_id uuid NOT NULL
            kind text NOT NULL
            learners bigint NOT NULL -- distinct learners who opened it that day
            finishers bigint NOT NULL -- those of them who completed it that day
            drop_off double precision
                GENERATED ALWAYS AS (1 - finishers / nullif(learners, 0)::double precision)
                STORED -- share of learners who did not complete it
            """,
            key=("bucket_at", "institution_id", "course_id", "item_id"),
            time="bucket_at",
            sums=Sums("item_tiles", "hour_at", "24 hours", ("views", "clicks", "completions")),
        ),
    ),
    reads=("item_before", "new_events"),
)
