"""Rate limits: token buckets in Redis per person, key and address, and the check of revocation."""
