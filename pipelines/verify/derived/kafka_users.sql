SELECT institution_id, sum(events)::BIGINT AS events
FROM kafka_count WHERE event_type = 'user.created' GROUP BY ALL
