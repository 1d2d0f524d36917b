"""How much a learner has done, and where they were last."""

from features.entities import LEARNER
from features.view import Trail, View

VIEW = View(
    name="learner_activity",
    entity=LEARNER,
    about="Running totals over lms.content.events per learner, with the newest item",
    features={
        "events_total": "int",
        "clicks_total": "int",
        "last_item_id": "text",
        "last_course_id": "text",
        "last_seen_at": "text",  # ISO 8601 in UTC
    },
    trail=Trail(member="last_item_id", at="last_seen_at"),
)
