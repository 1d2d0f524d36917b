SELECT institution_id, count(*) AS events FROM kafka_event GROUP BY ALL
