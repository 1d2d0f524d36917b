"""What events make of the cache."""
