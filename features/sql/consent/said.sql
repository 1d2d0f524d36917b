SELECT user_id, given FROM features.consent WHERE user_id = ANY(%(user_ids)s)
