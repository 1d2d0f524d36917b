"""How an item of a course was used in an hour."""

from contracts.topics import CONTENT
from pipelines.derive.tables import Table
from pipelines.job import Job

JOB = Job(
    name="item_tiles",
    about="views, clicks, completions, downloads, seconds watched per item and hour",
    reads=(CONTENT,),
    tables=(
        Table(
            "item_tiles",
            "how an item of a course was used in an hour, in partial sums",
            """
            institution_id uuid NOT NULL
            course_id uuid NOT NULL
            item_id uuid NOT NULL
            hour_at timestamptz NOT NULL -- start of the hour (UTC)
            part bigint NOT NULL -- partial sum by time of arrival: sum over it
            events bigint NOT NULL -- events about the item
            views bigint NOT NULL -- times it was opened
            clicks bigint NOT NULL -- as content.viewed counts them
            completions bigint NOT NULL
            downloads bigint NOT NULL
            watched_s double precision NOT NULL -- seconds of video played, repeats included
            first_at timestamptz NOT NULL -- the first event
            last_at timestamptz NOT NULL -- the last event
            """,
            key=("institution_id", "course_id", "item_id", "hour_at", "part"),
            time="hour_at",
        ),
    ),
)
