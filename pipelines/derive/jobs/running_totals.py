"""What a learner has done and how often an item was viewed, of all time, with the newest."""

from pipelines.derive.job import Derived

JOB = Derived(
    name="running_totals",
    about="events and clicks per learner, views per item, and the newest; two feature views",
    tables={"learner_totals": None, "item_totals": None},
)
