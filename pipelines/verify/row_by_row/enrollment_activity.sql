-- about: enrollments, completions and drops per course and day are right
-- covers: enrollment_activity
-- key: institution_id, course_id, day_at
-- name: expected
SELECT institution_id, course_id, date_trunc('day', moment)::TIMESTAMP AS day_at,
       count(*) FILTER (WHERE event_type = 'enrollment.created') AS enrolled,
       count(*) FILTER (WHERE event_type = 'course.completed') AS completed,
       count(*) FILTER (WHERE event_type = 'enrollment.dropped') AS dropped
FROM distinct_events
WHERE event_type IN ('enrollment.created', 'course.completed', 'enrollment.dropped') GROUP BY ALL
-- name: found
SELECT institution_id, course_id, day_at AT TIME ZONE 'UTC' AS day_at,
       sum(enrolled)::bigint AS enrolled, sum(completed)::bigint AS completed,
       sum(dropped)::bigint AS dropped
FROM enrollment_activity GROUP BY 1, 2, 3
HAVING sum(enrolled) + sum(completed) + sum(dropped) <> 0
