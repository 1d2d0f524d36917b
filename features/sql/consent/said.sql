SELECT user_id, given AND NOT erased AS allowed FROM features.consent
WHERE user_id = ANY(%(user_ids)s)
