"""What is out of the ordinary: courses fallen silent or flooded, producers whose clock is ahead."""

from pipelines.derive.job import Derived
from pipelines.derive.tables import Table

JOB = Derived(
    name="anomalies",
    about="clocks that are ahead; with the view anomalies, drops and spikes of activity per course",
    tables=(
        Table(
            "clock_skew",
            "producers whose clock was ahead, by the hour in which their events came",
            """
            bucket_at timestamptz NOT NULL -- start of the hour of arrival (UTC)
            institution_id uuid NOT NULL
            source_service text NOT NULL
            events bigint NOT NULL
            most_ahead_ms bigint NOT NULL -- the most that an event was ahead of its arrival
            """,
            key=("bucket_at", "institution_id", "source_service"),
            time="bucket_at",
        ),
    ),
    reads=("new_events",),
)
