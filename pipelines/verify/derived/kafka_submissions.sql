SELECT institution_id, course_id, kind, day, sum(events)::BIGINT AS events
FROM kafka_count WHERE event_type = 'assessment.submitted' GROUP BY ALL
