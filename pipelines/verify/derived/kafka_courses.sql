SELECT institution_id, sum(events)::BIGINT AS events
FROM kafka_count WHERE event_type = 'course.created' GROUP BY ALL
