"""Which learners' and items' features have changed: their rows go to ``lms.features``."""

from pipelines.derive.job import Derived

JOB = Derived(
    name="feature_rows",
    about="entities whose features have changed: their rows go to lms.features",
    tables={},
)
