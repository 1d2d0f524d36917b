-- about: the times to first activity and completion are right
-- covers: enrollment_times
-- key: institution_id, course_id
-- name: expected
SELECT institution_id, course_id, count(*) AS enrolled,
       round(quantile_cont(epoch_us(first_activity_at) - epoch_us(enrolled_at), 0.5)
           FILTER (WHERE first_activity_at >= enrolled_at) / 1e6, 3) AS to_first_activity_s,
       round(quantile_cont(epoch_us(completed_at) - epoch_us(enrolled_at), 0.5)
           FILTER (WHERE completed_at >= enrolled_at) / 1e6, 3) AS to_completion_s
FROM expected_enrollment_moments WHERE enrolled_at IS NOT NULL GROUP BY ALL
-- name: found
SELECT institution_id, course_id, enrolled,
       round(median_seconds_to_first_activity::numeric, 3)::float8 AS to_first_activity_s,
       round(median_seconds_to_completion::numeric, 3)::float8 AS to_completion_s
FROM enrollment_times
