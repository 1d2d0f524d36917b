"""Courses written as files: read strictly, loaded idempotently, published as events."""
