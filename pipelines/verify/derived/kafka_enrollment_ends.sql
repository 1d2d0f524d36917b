SELECT institution_id, course_id,
       CASE event_type WHEN 'course.completed' THEN 'completed' ELSE 'dropped' END AS status,
       sum(events)::BIGINT AS events
FROM kafka_count WHERE event_type IN ('course.completed', 'enrollment.dropped') GROUP BY ALL
