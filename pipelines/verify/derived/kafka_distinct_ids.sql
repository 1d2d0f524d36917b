SELECT 'all topics' AS topic, count(DISTINCT event_id) AS events FROM kafka_id
