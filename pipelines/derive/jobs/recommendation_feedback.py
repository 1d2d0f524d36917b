"""What became of what was recommended: clicks, dismissals, conversions within a window."""

from pipelines.derive.job import Derived
from pipelines.derive.tables import Table

JOB = Derived(
    name="recommendation_feedback",
    about="impressions, clicks, dismissals, conversions per day, arm, model, source and position",
    tables=(
        Table(
            "recommendation_offer",
            "an item of an answer of the recommender, and what became of it",
            """
            recommendation_id uuid NOT NULL
            item_id uuid NOT NULL
            institution_id uuid NOT NULL
            user_id uuid NOT NULL
            position integer NOT NULL -- place in the answer, from 1
            course_id uuid
            source text
            model text
            arm text
            shown_at timestamptz -- NULL: a reaction came before the impression
            clicked_at timestamptz
            dismissed_at timestamptz
            converted_at timestamptz -- completed within the window, or said to be converted
            """,
            key=("recommendation_id", "item_id"),
        ),
        Table(
            "recommendation_feedback",
            "impressions of a day and what became of them",
            """
            bucket_at timestamptz NOT NULL -- start of the day of the impressions (UTC)
            institution_id uuid NOT NULL
            arm text NOT NULL
            model text NOT NULL
            source text NOT NULL
            position integer NOT NULL
            impressions bigint NOT NULL
            clicks bigint NOT NULL -- of these impressions, those that were clicked
            dismissals bigint NOT NULL
            conversions bigint NOT NULL -- of these impressions, within the window
            """,
            key=("bucket_at", "institution_id", "arm", "model", "source", "position"),
            time="bucket_at",
        ),
    ),
    reads=("activity_events", "new_events", "payload_events"),
    scratch={
        "offer_before": "LIKE recommendation_offer",
        "offer_changed": "recommendation_id uuid, item_id uuid",
    },
)
