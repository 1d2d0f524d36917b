-- Of the source's enrollments, those that the LMS has; it may have more, which came over HTTP.
SELECT s.institution_id, s.course_id, s.day,
       sum(least(s.events, coalesce(l.events, 0)))::BIGINT AS events
FROM (SELECT institution_id, course_id, user_id, day, sum(events) AS events
      FROM source_enrollment GROUP BY ALL) AS s
LEFT JOIN lms_enrollment l
    ON l.institution_id = s.institution_id AND l.course_id = s.course_id AND l.day = s.day
    AND l.user_id IS NOT DISTINCT FROM s.user_id
GROUP BY ALL
