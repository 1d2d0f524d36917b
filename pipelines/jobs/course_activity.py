"""Events and clicks per course and kind of content, as they happen."""

from contracts.topics import CONTENT
from pipelines.job import Job, Upsert

_TOTALS = {"events": "BIGINT", "clicks": "BIGINT"}
_PER_COURSE = ("bucket_at", "institution_id", "course_id", "kind")


def _table(name: str, key: tuple[str, ...]) -> Upsert:
    return Upsert(name, dict.fromkeys(key, "STRING") | {"part": "BIGINT"} | _TOTALS, (*key, "part"))


JOB = Job(
    name="course_activity",
    about="events and clicks per course, kind and minute, hour, day",
    reads=(CONTENT,),
    writes=(
        _table("course_activity_minute", _PER_COURSE),
        _table("course_activity_hour", _PER_COURSE),
        _table("course_activity_day", _PER_COURSE),
    ),
)
