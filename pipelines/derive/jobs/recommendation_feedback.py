"""What became of what was recommended: clicks, dismissals, conversions within a window."""

from pipelines.derive.job import Derived

JOB = Derived(
    name="recommendation_feedback",
    about="impressions, clicks, dismissals, conversions per day, arm, model, source and position",
    tables={"recommendation_offer": None, "recommendation_feedback": "bucket_at"},
)
