"""How often an item has been viewed, and when it last was."""

from features.entities import ITEM
from features.view import View

VIEW = View(
    name="item_popularity",
    entity=ITEM,
    about="Running totals over content.viewed per item",
    features={
        "views_total": "int",
        "clicks_total": "int",
        "last_viewed_at": "text",  # ISO 8601 in UTC
    },
)
