"""From which item of a course learners go on to which new one."""

from pipelines.derive.job import Derived
from pipelines.derive.tables import Table

JOB = Derived(
    name="item_transition",
    about="from an item to the learner's next new item, per course and week; first openings",
    tables=(
        Table(
            "learner_item",
            "items that a learner has opened, and since when",
            """
            user_id uuid NOT NULL
            course_id uuid NOT NULL
            item_id uuid NOT NULL
            institution_id uuid NOT NULL
            first_at timestamptz NOT NULL -- the learner's first event about the item
            """,
            key=("user_id", "course_id", "item_id", "institution_id"),
            indexes=("user_id, course_id, first_at",),
        ),
        Table(
            "item_transition",
            "how many learners went on from an item to a new one in a week",
            """
            course_id uuid NOT NULL
            week_at timestamptz NOT NULL -- start of the ISO week in which they went on (UTC)
            from_item_id uuid NOT NULL -- the item that they had opened for the first time before
            to_item_id uuid NOT NULL -- the next that was new to them
            institution_id uuid NOT NULL
            learners bigint NOT NULL
            """,
            key=("course_id", "from_item_id", "to_item_id", "week_at", "institution_id"),
        ),
    ),
    reads=("new_events",),
    scratch={
        "opening": """
            user_id uuid, institution_id uuid, course_id uuid, item_id uuid, first_at timestamptz
        """,
        "path_before": """
            user_id uuid, institution_id uuid, course_id uuid, item_id uuid, first_at timestamptz
        """,
    },
)
