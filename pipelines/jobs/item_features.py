"""How often an item has been viewed and when it last was: the view ``item_popularity``."""

from contracts.topics import CONTENT
from pipelines.job import FeatureView, Job

JOB = Job(
    name="item_features",
    about="running totals of views per item, to lms.features",
    reads=(CONTENT,),
    writes=(
        FeatureView(
            "item_popularity",
            {"views_total": "BIGINT", "clicks_total": "BIGINT", "last_viewed_at": "STRING"},
        ),
    ),
)
