"""Courses written as files: read strictly, loaded idempotently, told of as events."""
