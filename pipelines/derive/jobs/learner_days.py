"""What a learner did in a course on a day, and how long they worked."""

from pipelines.derive.job import Derived

JOB = Derived(
    name="learner_days",
    about="events, views, completions, time on task per learner, course and day",
    tables={"learner_course_day": "bucket_at"},
)
