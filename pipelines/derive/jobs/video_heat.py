"""Which segments of a video are watched, by how many, and which again."""

from pipelines.derive.job import Derived
from pipelines.derive.tables import Table

JOB = Derived(
    name="video_heat",
    about="watches and distinct learners per video and segment of five seconds",
    tables=(
        Table(
            "video_heat",
            "how often a segment of a video was watched, and by how many",
            """
            institution_id uuid NOT NULL
            item_id uuid NOT NULL
            segment integer NOT NULL -- number of the segment of five seconds, from 0
            watches bigint NOT NULL -- spans watched that touch the segment
            learners bigint NOT NULL -- distinct learners who watched it
            repeats bigint
                GENERATED ALWAYS AS (watches - learners)
                STORED -- watches by somebody who had watched it before
            """,
            key=("item_id", "segment", "institution_id"),
        ),
    ),
    reads=("activity_events", "payload_events"),
)
