"""Each learner's sessions by inactivity gap, exact however late an event comes."""

from pipelines.derive.job import Derived

JOB = Derived(
    name="sessions",
    about="sessions per learner: start, end, events, devices",
    tables={"sessions": "started_at"},
)
