"""Answers kept in Redis, when a person was last seen, and what caches outside may keep."""
