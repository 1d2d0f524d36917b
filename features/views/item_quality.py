"""How much an item is used, by how many, and whether they finish it."""

from features.entities import ITEM
from features.view import View

VIEW = View(
    name="item_quality",
    entity=ITEM,
    about="Use and completion of an item by whole days, as of its newest event",
    features={
        "views_1d": "int",
        "views_7d": "int",
        "views_28d": "int",
        # Distinct learners of each day, summed: one who comes on two days counts twice.
        "learner_days_7d": "int",
        "learner_days_28d": "int",
        "trend": "float",
        "days_since_first": "int",
        "finished_share_28d": "float",
        "drop_off_28d": "float",
        "clicks_per_view_28d": "float",
    },
)
