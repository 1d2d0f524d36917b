"""Events and clicks per course and kind of content, as they happen."""

from contracts.topics import CONTENT
from pipelines.derive.tables import Table
from pipelines.job import Job


def _table(grain: str) -> Table:
    return Table(
        f"course_activity_{grain}",
        f"events and clicks per course, kind of content and {grain}, in partial sums",
        f"""
            bucket_at timestamptz NOT NULL -- start of the {grain} (UTC)
            institution_id uuid NOT NULL
            course_id uuid NOT NULL
            kind text NOT NULL -- the payload's kind
            part bigint NOT NULL -- partial sum by time of arrival: sum over it
            events bigint NOT NULL -- events about content
            clicks bigint NOT NULL -- as content.viewed counts them
        """,
        key=("bucket_at", "institution_id", "course_id", "kind", "part"),
        time="bucket_at",
    )


JOB = Job(
    name="course_activity",
    about="events and clicks per course, kind and minute, hour, day",
    reads=(CONTENT,),
    tables=(_table("minute"), _table("hour"), _table("day")),
    variants=(
        {"grain": "hour", "length": "13", "rest": ":00:00Z"},
        {"grain": "day", "length": "10", "rest": "T00:00:00Z"},
    ),
)
