SELECT institution_id, course_id, kind, sum(events)::BIGINT AS events
FROM kafka_count WHERE event_type = 'assessment.created' GROUP BY ALL
