SELECT DISTINCT ON (event_id, moment) * FROM kafka_told
