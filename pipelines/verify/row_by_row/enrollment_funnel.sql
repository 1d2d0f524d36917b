-- about: the funnel so far is right, per course and day
-- covers: enrollment_funnel
-- key: bucket_at, institution_id, course_id
-- name: expected
-- A sum over all days up to each, by counting those before: no window as the view has it.
WITH days AS (
    SELECT institution_id, course_id, bucket_at FROM expected_funnel
    UNION
    SELECT institution_id, course_id, bucket_at FROM expected_course_learners WHERE grain = 'day')
SELECT d.institution_id, d.course_id, d.bucket_at, coalesce(any_value(f.enrolled), 0) AS enrolled,
       coalesce(any_value(f.started), 0) AS started, coalesce(any_value(a.learners), 0) AS active,
       coalesce(any_value(f.completed), 0) AS completed, coalesce(any_value(f.dropped), 0) AS dropped,
       coalesce(sum(b.enrolled), 0)::BIGINT AS enrolled_so_far,
       coalesce(sum(b.started), 0)::BIGINT AS started_so_far,
       coalesce(sum(b.completed), 0)::BIGINT AS completed_so_far,
       coalesce(sum(b.dropped), 0)::BIGINT AS dropped_so_far
FROM days d
LEFT JOIN expected_funnel f USING (institution_id, course_id, bucket_at)
LEFT JOIN expected_course_learners a
    ON a.institution_id = d.institution_id AND a.course_id = d.course_id
       AND a.bucket_at = d.bucket_at AND a.grain = 'day'
LEFT JOIN expected_funnel b
    ON b.institution_id = d.institution_id AND b.course_id = d.course_id
       AND b.bucket_at <= d.bucket_at
GROUP BY ALL
-- name: found
SELECT institution_id, course_id, bucket_at AT TIME ZONE 'UTC' AS bucket_at, enrolled, started,
       active, completed, dropped, enrolled_so_far::bigint, started_so_far::bigint,
       completed_so_far::bigint, dropped_so_far::bigint
FROM enrollment_funnel
WHERE (enrolled, started, active, completed, dropped) <> (0, 0, 0, 0, 0)
