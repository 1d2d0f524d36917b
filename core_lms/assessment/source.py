"""The services that emit events about work."""

SOURCE = "assessment-service"

GRADER = "grading-service"
"""What reads ``assessment.submitted`` and emits what the answers were worth."""
