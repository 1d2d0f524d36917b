SELECT institution_id, course_id, kind, day, sum(events)::BIGINT AS events
FROM lms_submission GROUP BY ALL
