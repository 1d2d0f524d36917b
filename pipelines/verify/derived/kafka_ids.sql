SELECT institution_id, count(*) AS events FROM kafka_id GROUP BY ALL
