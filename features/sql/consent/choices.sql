SELECT user_id, purpose, given FROM features.consent WHERE user_id = ANY(%(user_ids)s)
