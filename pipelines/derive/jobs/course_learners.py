"""Exact distinct learners of a course per minute, hour and day, and their time on task."""

from pipelines.derive.job import Derived

JOB = Derived(
    name="course_learners",
    about="distinct active learners and time on task per course and minute, hour, day",
    tables={
        "course_learners_minute": "bucket_at",
        "course_learners_hour": "bucket_at",
        "course_learners_day": "bucket_at",
    },
)
