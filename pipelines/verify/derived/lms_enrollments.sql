SELECT institution_id, course_id, day, sum(events)::BIGINT AS events
FROM lms_enrollment GROUP BY ALL
