SELECT institution_id, count(DISTINCT event_id) AS events FROM kafka_event GROUP BY ALL
