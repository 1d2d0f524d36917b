"""How an item was used on a day: views, distinct learners, completions, drop-off."""

from pipelines.derive.job import Derived

JOB = Derived(
    name="item_engagement",
    about="views, distinct learners, completions and drop-off per item and day",
    tables={"item_engagement": "bucket_at"},
)
