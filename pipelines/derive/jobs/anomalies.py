"""What is out of the ordinary: courses fallen silent or flooded, producers whose clock is ahead."""

from pipelines.derive.job import Derived

JOB = Derived(
    name="anomalies",
    about="clocks that are ahead; with the view anomalies, drops and spikes of activity per course",
    tables={"clock_skew": "bucket_at"},
)
