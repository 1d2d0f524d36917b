"""Each learner's sessions by inactivity gap, exact however late an event comes."""

from pipelines.derive.job import Derived
from pipelines.derive.tables import Table

JOB = Derived(
    name="sessions",
    about="sessions per learner: start, end, events, devices",
    tables=(
        Table(
            "sessions",
            "a learner's own actions, none further than the gap from the next",
            """
            user_id uuid NOT NULL
            started_at timestamptz NOT NULL
            ended_at timestamptz NOT NULL -- the last action
            institution_id uuid NOT NULL
            events bigint NOT NULL
            devices text[] NOT NULL -- distinct, sorted
            duration_ms bigint
                GENERATED ALWAYS AS ((extract(epoch FROM ended_at - started_at) * 1000)::bigint)
                STORED
            """,
            key=("user_id", "started_at", "institution_id"),
            time="started_at",
        ),
    ),
    reads=("session_before", "session_fragment"),
    scratch={
        "session_after": """
            user_id uuid, started_at timestamptz, ended_at timestamptz,
            institution_id uuid, events bigint, devices text[]
        """,
    },
)
