"""Which learners' and items' features have changed: their rows go to ``lms.features``."""

from pipelines.derive.job import Derived

JOB = Derived(
    name="feature_rows",
    about="the views learner_engagement and item_quality, to lms.features",
    tables={},
)
