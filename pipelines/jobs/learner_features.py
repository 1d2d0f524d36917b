"""What a learner has done so far and where they were last: the view ``learner_activity``."""

from contracts.topics import CONTENT
from pipelines.job import FeatureView, Job

JOB = Job(
    name="learner_features",
    about="running totals per learner, with the newest item, to lms.features",
    reads=(CONTENT,),
    writes=(
        FeatureView(
            "learner_activity",
            {
                "events_total": "BIGINT",
                "clicks_total": "BIGINT",
                "last_item_id": "STRING",
                "last_course_id": "STRING",
                "last_seen_at": "STRING",
            },
        ),
    ),
)
