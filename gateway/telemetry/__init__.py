"""What a process reports of itself: metrics for Prometheus, traces for OpenTelemetry."""
