-- Of the source's submissions, those that the LMS has; it may have more, which came over HTTP.
SELECT institution_id, course_id, kind, day,
       sum(least(s.events, coalesce(l.events, 0)))::BIGINT AS events
FROM source_submission s
LEFT JOIN lms_submission l USING (institution_id, course_id, user_id, kind, day)
GROUP BY ALL
