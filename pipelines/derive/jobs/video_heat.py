"""Which segments of a video are watched, by how many, and which again."""

from pipelines.derive.job import Derived

JOB = Derived(
    name="video_heat",
    about="watches and distinct learners per video and segment of five seconds",
    tables={"video_heat": None},
)
