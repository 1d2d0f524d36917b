SELECT 'minute' AS grain, bucket_at AT TIME ZONE 'UTC' AS bucket_at, institution_id, course_id,
       learners, time_on_task_ms FROM course_learners_minute
UNION ALL
SELECT 'hour', bucket_at AT TIME ZONE 'UTC', institution_id, course_id, learners, time_on_task_ms
FROM course_learners_hour
UNION ALL
SELECT 'day', bucket_at AT TIME ZONE 'UTC', institution_id, course_id, learners, time_on_task_ms
FROM course_learners_day
