"""What the recommender showed, and what learners did with it, by day."""

from contracts.topics import RECOMMENDATIONS
from pipelines.derive.tables import Table
from pipelines.job import Job

JOB = Job(
    name="recommendation_activity",
    about="shown, clicked, dismissed, converted per arm, model, source, position and day",
    reads=(RECOMMENDATIONS,),
    tables=(
        Table(
            "recommendation_activity",
            "events about offers on a day, in partial sums; recommendation_feedback counts by offer",
            """
            institution_id uuid NOT NULL
            arm text NOT NULL -- of the experiment; empty: the event does not say
            model text NOT NULL -- empty: the event does not say
            source text NOT NULL -- where the candidate came from; empty: the event does not say
            position integer NOT NULL -- place in the answer, from 1
            day_at timestamptz NOT NULL -- start of the day (UTC)
            part bigint NOT NULL -- partial sum by time of arrival: sum over it
            shown bigint NOT NULL
            clicked bigint NOT NULL -- clicks on that day, whenever it was shown
            dismissed bigint NOT NULL
            converted bigint NOT NULL -- conversions that an event reports
            """,
            key=(
                *("institution_id", "arm", "model", "source", "position", "day_at"),
                "part",
            ),
            time="day_at",
        ),
    ),
)
