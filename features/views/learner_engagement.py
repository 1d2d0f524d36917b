"""How a learner has been working lately: how much, how steadily, with what, and how well."""

from features.entities import LEARNER
from features.view import View

VIEW = View(
    name="learner_engagement",
    entity=LEARNER,
    about="Activity, steadiness, mix, scores and lateness of a learner as of their newest event",
    features={
        "events_1h": "int",
        "events_1d": "int",
        "events_7d": "int",
        "events_28d": "int",
        "active_days_7d": "int",
        "active_days_28d": "int",
        "courses_28d": "int",
        "items_28d": "int",
        # Events of the last 7 days for each in an average week of the last 28 days.
        "trend": "float",
        # Hours between the newest event and the one before it.
        "pause_hours": "float",
        # Days in a row with an event, the newest one's included.
        "streak_days": "int",
        "share_completed_28d": "float",
        "share_video_28d": "float",
        "share_quiz_28d": "float",
        "share_forum_28d": "float",
        "submitted_28d": "int",
        "score_mean": "float",
        "score_last": "float",
        "score_trend": "float",
        "late_share": "float",
        "missed_total": "int",
        "due_7d": "int",
    },
)
