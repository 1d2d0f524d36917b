SELECT institution_id, course_id, kind, day, sum(events)::BIGINT AS events
FROM source_submission GROUP BY ALL
