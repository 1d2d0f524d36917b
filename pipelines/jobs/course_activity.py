"""Events and clicks per course and kind of content, as they happen."""

from contracts.topics import CONTENT
from pipelines.job import Job, Upsert

_SUMS = {"events": "BIGINT", "clicks": "BIGINT"}
_KEY = ("bucket_at", "institution_id", "course_id", "kind")


def _table(grain: str) -> Upsert:
    columns = dict.fromkeys(_KEY, "STRING") | {"part": "BIGINT"} | _SUMS
    return Upsert(f"course_activity_{grain}", columns, (*_KEY, "part"))


JOB = Job(
    name="course_activity",
    about="events and clicks per course, kind and minute, hour, day",
    reads=(CONTENT,),
    writes=(_table("minute"), _table("hour"), _table("day")),
    variants=(
        {"grain": "hour", "length": "13", "rest": ":00:00Z"},
        {"grain": "day", "length": "10", "rest": "T00:00:00Z"},
    ),
)
