"""What a process tells of itself: metrics for Prometheus, traces for an OpenTelemetry collector."""
