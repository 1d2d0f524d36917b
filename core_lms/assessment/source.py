"""Who tells of what happens to work."""

SOURCE = "assessment-service"

GRADER = "grading-service"
"""What reads ``assessment.submitted`` and tells what the answers were worth."""
