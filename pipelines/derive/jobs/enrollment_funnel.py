"""From enrolling over the first activity to completing or dropping, per course and day."""

from pipelines.derive.job import Derived

JOB = Derived(
    name="enrollment_funnel",
    about="enrolled, started, completed, dropped per course and day, and each enrollment's moments",
    tables={"learner_course": None, "enrollment_funnel_day": None},
)
