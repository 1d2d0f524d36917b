SELECT institution_id, course_id, day, sum(events)::BIGINT AS events
FROM kafka_count WHERE event_type = 'enrollment.created' GROUP BY ALL
