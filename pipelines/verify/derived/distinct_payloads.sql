SELECT DISTINCT ON (event_id, moment, user_id) * FROM kafka_payload
