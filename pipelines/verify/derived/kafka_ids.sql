SELECT 'all topics' AS topic, count(*) AS events FROM kafka_id
