SELECT institution_id, count(DISTINCT event_id) AS events FROM kafka_id GROUP BY ALL
