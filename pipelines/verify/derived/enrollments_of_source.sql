-- Of the source's enrollments, those that the LMS has; it may have more, which came over HTTP.
SELECT institution_id, course_id, day, sum(least(s.events, coalesce(l.events, 0)))::BIGINT AS events
FROM source_enrollment s LEFT JOIN lms_enrollment l USING (institution_id, course_id, user_id, day)
GROUP BY ALL
