SELECT institution_id, course_id, day, sum(events)::BIGINT AS events
FROM source_enrollment GROUP BY ALL
